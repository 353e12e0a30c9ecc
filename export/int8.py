"""An ONNX graph in INT8: static quantisation with ranges of real scans, weights by channel.

Two runtimes, two schemes, each the one that its kernels were written for:

    ONNX Runtime on the CPU   activations u8 with a zero point, every operator that has a kernel for it
    TensorRT                  activations s8, symmetric, Q/DQ around convolutions only; it refuses the rest

The head on the pooled features, the final activations and the moments that the out-of-distribution gate reads
stay in FP32: they cost next to nothing, and every figure hangs on them.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

Arrays = Mapping[str, NDArray[np.float32]]

_CPU_OPERATORS = ("Conv", "Sigmoid", "Mul", "Add", "Concat", "MaxPool", "Relu")
_TENSORRT_OPERATORS = ("Conv",)


def widened(network: bytes) -> onnx.ModelProto:
    """The graph with its FP16 weights as FP32 constants, and all that is constant computed.

    ONNX Runtime's basic level does it: it stays within ONNX's own operators.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3
        ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
        model = onnx.load(path)
    plain = [entry for entry in model.opset_import if entry.domain == ""]
    del model.opset_import[:]  # it names every domain that it knows
    model.opset_import.extend(plain)
    return model


def calibrate(model: onnx.ModelProto, batches: Collection[Arrays]) -> TensorsData:
    """Range of every tensor of `model` over the inputs `batches`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        onnx.save(model, path)
        calibrator = create_calibrator(
            path,
            op_types_to_calibrate=list(_CPU_OPERATORS),
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.collect_data(_Batches(batches))
        return calibrator.compute_data()


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Collection[Arrays]) -> None:
        self._batches: Iterator[Arrays] = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._batches, None)
        return None if batch is None else dict(batch)


def quantisable(model: onnx.ModelProto, runtime: str) -> list[str]:
    """Names of the nodes that INT8 is for, in the order of the graph."""
    kinds = _CPU_OPERATORS if runtime == "onnxruntime" else _TENSORRT_OPERATORS
    inner = _before_a_convolution(model)
    return [node.name for node in model.graph.node if node.op_type in kinds and node.name in inner]


def layers(model: onnx.ModelProto, runtime: str, most: int) -> list[tuple[str, ...]]:
    """What is `quantisable` in at most `most` groups of neighbours, each beginning with a convolution."""
    nodes = quantisable(model, runtime)
    kinds = {node.name: node.op_type for node in model.graph.node}
    starts = [index for index, name in enumerate(nodes) if kinds[name] == "Conv"]
    every = -(-len(starts) // most)
    cuts = [0, *starts[every::every], len(nodes)]
    return [tuple(nodes[first:after]) for first, after in pairwise(cuts)]


def to_int8(
    model: onnx.ModelProto, ranges: TensorsData, runtime: str, keep: Collection[str] = ()
) -> onnx.ModelProto:
    """`model` with Q/DQ pairs around all that is `quantisable`, except the nodes `keep`."""
    tensorrt = runtime == "tensorrt"
    options: dict[str, Any] = {"WeightSymmetric": True, "ActivationSymmetric": tensorrt}
    if tensorrt:
        options |= {"AddQDQPairToWeight": True, "QuantizeBias": False, "DedicatedQDQPair": True}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes = set(quantisable(model, runtime)) - set(keep)
    quantizer = QDQQuantizer(
        copy,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8 if tensorrt else QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=[],  # none named means all, less those that are excluded
        nodes_to_exclude=[node.name for node in model.graph.node if node.name not in nodes],
        op_types_to_quantize=list(_TENSORRT_OPERATORS if tensorrt else _CPU_OPERATORS),
        extra_options=options,
    )
    quantizer.quantize_model()
    made: onnx.ModelProto = quantizer.model.model
    return made


def _before_a_convolution(model: onnx.ModelProto) -> set[str]:
    """Nodes from whose outputs a convolution is reached: neither the head, nor moments, nor what ends."""
    wanted: set[str] = set()  # tensors that lead to one
    found = set()
    for node in reversed(model.graph.node):  # in topological order, so that followers come first
        if not wanted.isdisjoint(node.output):
            found.add(node.name)
            wanted.update(node.input)
        elif node.op_type in ("Conv", "ConvTranspose"):
            wanted.update(node.input)
    return found
