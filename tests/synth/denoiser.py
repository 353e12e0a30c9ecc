"""A tiny denoiser for tests: a real small computation, by rule. It needs no torch and was trained on nothing.

What is coloured, or much brighter than its surroundings and thin, is annotation; under it lies an opening.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from export.bundle import DenoiserPart
from scanside.image import Size

Floats = NDArray[np.float32]

_COLOURED, _BRIGHTER_BY, _STEEPNESS = 0.15, 0.6, 40.0
_STROKE, _RIM = 5, 3  # windows, pixels


def make_denoiser(size: Size) -> DenoiserPart:
    """The graph, which takes any size, and its golden case at `size`."""
    inputs = _golden_inputs(size)
    graph = _graph()
    return DenoiserPart(
        graph=graph,
        document={
            "threshold": 0.5,
            "min_pixels": 6,
            "max_share": 0.2,
            "trained_on": "nothing: a rule for tests",
            "fingerprint": hashlib.sha256(graph).hexdigest(),
            "figures": {},
        },
        golden={f"in_{k}": v for k, v in inputs.items()}
        | {f"out_{k}": v for k, v in denoise_numpy(inputs).items()},
    )


def denoise_numpy(inputs: dict[str, Floats]) -> dict[str, Floats]:
    """What the graph has to give, computed by numpy."""
    scan, chroma = inputs["scan"][:, 0], inputs["chroma"][:, 0]
    clean = _highest(-_highest(-scan, _STROKE), _STROKE)
    score = np.maximum(chroma - np.float32(_COLOURED), scan - clean - np.float32(_BRIGHTER_BY))
    probability = 0.5 * (1 + np.tanh(np.float32(_STEEPNESS / 2) * score))
    return {"annotation_probability": _highest(probability.astype(np.float32), _RIM), "clean": clean}


def _golden_inputs(size: Size) -> dict[str, Floats]:
    rng = np.random.default_rng(3)
    scan = rng.uniform(0.2, 0.5, (2, 1, *size)).astype(np.float32)
    chroma = np.zeros_like(scan)
    scan[0, 0, size.height // 2, 4:-4] = 0.95  # a white line, and a coloured one of tissue's brightness
    chroma[1, 0, 4:-4, size.width // 2] = 0.7
    return {"scan": scan, "chroma": chroma}


def _highest(planes: Floats, side: int) -> Floats:
    padded = np.pad(planes, [(0, 0), (side // 2,) * 2, (side // 2,) * 2], constant_values=-np.inf)
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2)).max(axis=(3, 4))


def _graph() -> bytes:
    node = helper.make_node
    stroke = {"kernel_shape": [_STROKE] * 2, "pads": [_STROKE // 2] * 4}
    rim = {"kernel_shape": [_RIM] * 2, "pads": [_RIM // 2] * 4}
    nodes = [
        node("Neg", ["scan"], ["negative"]),
        node("MaxPool", ["negative"], ["negative_darkest"], **stroke),
        node("Neg", ["negative_darkest"], ["darkest"]),
        node("MaxPool", ["darkest"], ["opened"], **stroke),
        node("Sub", ["scan", "opened"], ["brighter"]),
        node("Sub", ["brighter", "brighter_by"], ["bright_score"]),
        node("Sub", ["chroma", "coloured"], ["colour_score"]),
        node("Max", ["colour_score", "bright_score"], ["score"]),
        node("Mul", ["score", "steepness"], ["logit"]),
        node("Sigmoid", ["logit"], ["probability"]),
        node("MaxPool", ["probability"], ["grown"], **rim),
        node("Squeeze", ["grown", "one"], ["annotation_probability"]),
        node("Squeeze", ["opened", "one"], ["clean"]),
    ]
    constants = {
        "coloured": np.float32(_COLOURED),
        "brighter_by": np.float32(_BRIGHTER_BY),
        "steepness": np.float32(_STEEPNESS),
        "one": np.array([1]),
    }
    floats = TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(n, floats, ["N", 1, "H", "W"]) for n in ("scan", "chroma")]
    outputs = [
        helper.make_tensor_value_info(n, floats, ["N", "H", "W"]) for n in ("annotation_probability", "clean")
    ]
    initializers = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    graph = helper.make_graph(nodes, "synthetic_test_denoiser", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
