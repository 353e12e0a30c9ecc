"""A tiny bundle for tests: a real small computation with clinical inputs, made when the tests run.

The network finds dark areas inside bright tissue (a black top-hat), pools what is in them and asks a
logistic regression, fitted here on synthetic scans. It needs no torch; its risks mean nothing.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from export.bundle import write_bundle
from scanside import RESEARCH_USE
from scanside.image import Box, Frame, Size
from scanside.scan.prepare import prepare
from scanside.scan.types import Region, RegionSource
from tests.synth.denoiser import make_denoiser
from tests.synth.scans import make_frame

Floats = NDArray[np.float32]
Weights = dict[str, Floats]

CLINICAL = ("menopausal_status", "oncology_centre")
INPUT_SIZE = Size(84, 136)
_FRAME = Size(240, 320)
_SCANS = 48
_SEED = 7_000  # far from the seeds that tests use
_BINOMIAL = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1], np.float32) / 256
_STEEPNESS, _DARKER_BY = 40.0, 0.25
_BLACK_STEEPNESS, _BLACK = 500.0, 0.012  # what was blackened outside the sector is no lesion
_RIM = 9
_EPSILON = 1e-3


def make_bundle(
    folder: Path,
    *,
    clinical: bool = True,
    size: Size = INPUT_SIZE,
    denoiser: bool = False,
    version: str = "1",
) -> Path:
    """Write the test bundle into `folder`.

    Args:
        clinical: whether the network reads the two clinical facts too.
        size: rows and columns of its input.
        denoiser: whether a denoiser goes first.
        version: as its manifest says.

    Returns:
        `folder`.
    """
    weights, max_distance = _fitted(size, clinical)
    inputs = {"scan": np.stack([_scan(_SEED - 1 - i, size)[0] for i in range(2)])[:, None]}
    if clinical:
        inputs["clinical"] = np.array([[0, 1], [1, 0]], np.float32)
    outputs = run_numpy(inputs, weights)
    document = {
        "name": "synthetic-test-network",
        "version": version,
        "intended_use": f"Tests of scanside. {RESEARCH_USE}",
        "licence": "Apache-2.0",
        "test_only": True,
        "training": {"summary": f"{_SCANS} synthetic scans, no patient's; its risks mean nothing"},
        "input": {"height": size.height, "width": size.width, "clinical": list(CLINICAL if clinical else ())},
        "classes": [{"name": "benign", "malignant": False}, {"name": "malignant", "malignant": True}],
        "threshold": {"risk": 0.5, "chosen": "tests", "provisional": "made of synthetic scans"},
        "calibration": {"method": "none", "measured_on": "nothing", "prevalence": 0.5},
        "reference": {"method": "Mahalanobis distance of pooled statistics", "max_distance": max_distance},
        "performance": {"measured_on": "nothing"},
        "golden": {"tolerance": {"float32": 1e-4}},
    }
    write_bundle(
        folder,
        document,
        network=_network(weights, size),
        golden={f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()},
        reference={name: weights[name] for name in ("mean", "whitening")},
        model_card=f"# Synthetic test network\n\n**{RESEARCH_USE}** For tests only.\n",
        denoiser=make_denoiser(size) if denoiser else None,
    )
    return folder


def run_numpy(inputs: Weights, weights: Weights) -> Weights:
    """What the graph has to give, computed by numpy: the source that the golden case comes from."""
    scan = inputs["scan"][:, 0]
    lesion, features = _look(scan)
    seen = (features - weights["mean"]) @ weights["whitening"]
    if "clinical" in inputs:
        seen = np.concatenate([seen, inputs["clinical"]], axis=1)
    logits = seen @ weights["slope"] + weights["bias"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability = odds / odds.sum(axis=1, keepdims=True)
    return {"class_probability": probability, "lesion_probability": lesion, "features": features}


def _look(scan: Floats) -> tuple[Floats, Floats]:
    """(N, H, W) scans -> lesion probability (N, H, W) and features (N, 5)."""
    height, width = scan.shape[1:]
    side = len(_BINOMIAL)
    smooth = _sliding(scan, (side, 1))[..., 0] @ _BINOMIAL
    smooth = _sliding(smooth, (1, side))[..., 0, :] @ _BINOMIAL
    # A closing, maximum then minimum, fills whatever is dark and smaller than its window.
    side = _window(Size(height, width))
    highest = _maximum(smooth, side)
    closed = -_maximum(-highest, side)
    darkest = -_maximum(-smooth, _RIM)
    lesion = _sigmoid(_STEEPNESS * (closed - smooth - _DARKER_BY))
    lesion = lesion * _sigmoid(_BLACK_STEEPNESS * (darkest - _BLACK))
    share = lesion.mean(axis=(1, 2)) + np.float32(_EPSILON)
    inside = (lesion * smooth).mean(axis=(1, 2)) / share
    rim = (_maximum(lesion, _RIM) - lesion).mean(axis=(1, 2)) / share  # ragged lesions have more of it
    grain = np.abs(scan - smooth).mean(axis=(1, 2))
    features = np.stack([share, inside, rim, scan.mean(axis=(1, 2)), grain], axis=1)
    return lesion.astype(np.float32), features.astype(np.float32)


def _network(weights: Weights, size: Size) -> bytes:
    """The same as `run_numpy`, as an ONNX graph, dynamic in the batch."""
    side = _window(size)
    clinical = len(weights["slope"]) > weights["whitening"].shape[1]
    constants = {
        **{name: weights[name] for name in ("mean", "whitening", "slope", "bias")},
        "blur": np.outer(_BINOMIAL, _BINOMIAL)[None, None],
        "steepness": np.float32(_STEEPNESS),
        "darker_by": np.float32(_DARKER_BY),
        "black_steepness": np.float32(_BLACK_STEEPNESS),
        "black": np.float32(_BLACK),
        "epsilon": np.float32(_EPSILON),
        "pads": np.array([0, 0, 4, 4, 0, 0, 4, 4]),
        "one": np.array([1]),
        "two_three": np.array([2, 3]),
    }
    node = helper.make_node
    rows = {"kernel_shape": [side, 1], "pads": [side // 2, 0, side // 2, 0]}
    columns = {"kernel_shape": [1, side], "pads": [0, side // 2, 0, side // 2]}
    rim = {"kernel_shape": [_RIM, _RIM], "pads": [_RIM // 2] * 4}
    pooled = ("share", "inside", "rim", "brightness", "grain")
    nodes = [
        node("Pad", ["scan", "pads"], ["padded"], mode="edge"),
        node("Conv", ["padded", "blur"], ["smooth"]),
        node("MaxPool", ["smooth"], ["highest_rows"], **rows),
        node("MaxPool", ["highest_rows"], ["highest"], **columns),
        node("Neg", ["highest"], ["negative"]),
        node("MaxPool", ["negative"], ["negative_rows"], **rows),
        node("MaxPool", ["negative_rows"], ["negative_closed"], **columns),
        node("Neg", ["negative_closed"], ["closed"]),
        node("Sub", ["closed", "smooth"], ["darker"]),
        node("Sub", ["darker", "darker_by"], ["dark"]),
        node("Mul", ["dark", "steepness"], ["dark_logit"]),
        node("Sigmoid", ["dark_logit"], ["dark_probability"]),
        node("Neg", ["smooth"], ["negative_smooth"]),
        node("MaxPool", ["negative_smooth"], ["negative_darkest"], **rim),
        node("Neg", ["negative_darkest"], ["darkest"]),
        node("Sub", ["darkest", "black"], ["above_black"]),
        node("Mul", ["above_black", "black_steepness"], ["tissue_logit"]),
        node("Sigmoid", ["tissue_logit"], ["tissue_probability"]),
        node("Mul", ["dark_probability", "tissue_probability"], ["lesion"]),
        node("Squeeze", ["lesion", "one"], ["lesion_probability"]),
        node("ReduceMean", ["lesion"], ["bare_share"], axes=[2, 3]),
        node("Add", ["bare_share", "epsilon"], ["share"]),
        node("Mul", ["lesion", "smooth"], ["lesion_smooth"]),
        node("ReduceMean", ["lesion_smooth"], ["inside_sum"], axes=[2, 3]),
        node("Div", ["inside_sum", "share"], ["inside"]),
        node("MaxPool", ["lesion"], ["grown"], **rim),
        node("Sub", ["grown", "lesion"], ["rim_pixels"]),
        node("ReduceMean", ["rim_pixels"], ["rim_sum"], axes=[2, 3]),
        node("Div", ["rim_sum", "share"], ["rim"]),
        node("ReduceMean", ["scan"], ["brightness"], axes=[2, 3]),
        node("Sub", ["scan", "smooth"], ["detail"]),
        node("Abs", ["detail"], ["detail_size"]),
        node("ReduceMean", ["detail_size"], ["grain"], axes=[2, 3]),
        node("Concat", pooled, ["stacked"], axis=1),
        node("Squeeze", ["stacked", "two_three"], ["features"]),
        node("Sub", ["features", "mean"], ["centred"]),
        node("MatMul", ["centred", "whitening"], ["white"]),
        *([node("Concat", ["white", "clinical"], ["facts"], axis=1)] if clinical else []),
        node("Gemm", ["facts" if clinical else "white", "slope", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["class_probability"], axis=1),
    ]
    floats = TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("scan", floats, ["N", 1, *size])]
    if clinical:
        inputs.append(helper.make_tensor_value_info("clinical", floats, ["N", len(CLINICAL)]))
    outputs = [
        helper.make_tensor_value_info("class_probability", floats, ["N", 2]),
        helper.make_tensor_value_info("lesion_probability", floats, ["N", *size]),
        helper.make_tensor_value_info("features", floats, ["N", len(pooled)]),
    ]
    initializers = [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()]
    graph = helper.make_graph(nodes, "synthetic_test_network", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@lru_cache(maxsize=8)
def _fitted(size: Size, clinical: bool) -> tuple[Weights, float]:
    """Weights of the network and the largest distance at which a scan is still scored."""
    scans, labels = zip(*(_scan(_SEED + i, size) for i in range(_SCANS)), strict=True)
    malignant = np.array(labels, float)
    _, features = _look(np.stack(scans))
    mean = features.mean(axis=0)
    spread = np.linalg.cholesky(np.linalg.inv(np.cov(features.T, bias=True).astype(float)))
    white = (features - mean) @ spread
    facts = white
    if clinical:
        # Malignant lesions are likelier after the menopause and in an oncology centre (thesis, table 1).
        chance = np.where(malignant[:, None] > 0, (0.75, 0.8), (0.4, 0.3))
        facts = np.hstack([white, np.random.default_rng(_SEED).uniform(size=chance.shape) < chance])
    slope, bias = _logistic_regression(facts, malignant)
    weights = {
        "mean": mean,
        "whitening": spread,
        "slope": np.stack([-slope / 2, slope / 2], axis=1),
        "bias": np.array([-bias / 2, bias / 2]),
    }
    distances = np.sqrt((white**2).mean(axis=1))
    # The demo's scans pass, which are drawn otherwise; real ones of other organs do not.
    return {name: w.astype(np.float32) for name, w in weights.items()}, round(4 * float(distances.max()), 2)


def _logistic_regression(
    facts: NDArray[np.float64], malignant: NDArray[np.float64], ridge: float = 1.0
) -> tuple[NDArray[np.float64], float]:
    """Newton's method; the ridge keeps separable classes from certainty."""
    design = np.hstack([facts, np.ones((len(facts), 1))])
    beta = np.zeros(design.shape[1])
    penalty = ridge * np.diag([1.0] * facts.shape[1] + [0.0])
    for _ in range(25):
        probability = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (malignant - probability) - penalty @ beta
        hessian = (design.T * (probability * (1 - probability))) @ design + penalty
        beta += np.linalg.solve(hessian, gradient)
    return beta[:-1], float(beta[-1])


def _scan(seed: int, size: Size) -> tuple[Floats, bool]:
    """One synthetic scan as a network gets it, (H, W), and whether it was drawn malignant."""
    frame = make_frame(seed, _FRAME)
    whole = Region(Box(0, 0, _FRAME.width, _FRAME.height), RegionSource.CONTOUR)
    return prepare(Frame(frame.pixels), whole, size).pixels, frame.malignant


def _sigmoid(logit: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(logit / 2)), np.float32)


def _window(size: Size) -> int:
    return size.height // 4 * 2 + 1


def _maximum(scan: Floats, side: int) -> Floats:
    # What repeats the edge changes no maximum, and what ONNX pads with, minus infinity, neither.
    rows = _sliding(scan, (side, 1)).max(axis=(3, 4))
    return np.asarray(_sliding(rows, (1, side)).max(axis=(3, 4)), np.float32)


def _sliding(scan: Floats, window: tuple[int, ...]) -> Floats:
    """(N, H, W) -> (N, H, W, *window): what a window around each pixel holds, the edge repeated."""
    pads = [(0, 0), *((side // 2, side // 2) for side in window)]
    return np.lib.stride_tricks.sliding_window_view(np.pad(scan, pads, mode="edge"), window, axis=(1, 2))
