"""An FP32 graph -> one that computes in FP16 where that is harmless.

TensorRT takes the types of the graph as they are ("strongly typed"), so the choice is made here, once for all
its versions. Inputs and outputs stay FP32.
"""

from typing import TYPE_CHECKING

import numpy as np

from scanside.errors import BundleError, SettingError

if TYPE_CHECKING:
    import onnx

# Sums over many pixels, differences of close numbers, and what the probabilities hang on: a small share of
# the arithmetic. Sources of constants keep their type too; what needs them in FP16 gets a Cast.
_SUMS = ("ReduceMean", "ReduceSum", "ReduceL2", "GlobalAveragePool", "Softmax", "Gemm", "MatMul")
_DIFFERENCES = ("Sub", "Div", "Pow", "Sqrt", "Exp", "Log")
_NORMS = ("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization")
_SOURCES = ("Constant", "ConstantOfShape", "QuantizeLinear", "DequantizeLinear")
KEPT_IN_FP32 = frozenset((*_SUMS, *_DIFFERENCES, *_NORMS, *_SOURCES))
_FP32_INPUTS = {"Resize": {1, 2}}  # by the standard: region of interest and scales


def to_half(content: bytes) -> bytes:
    """The graph with its arithmetic in FP16.

    Args:
        content: the bytes of an .onnx file, FP32; large weights may be stored in FP16.

    Raises:
        BundleError: the graph can't be made one of FP16: it branches, or a weight is too large for it.
        SettingError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise SettingError("an engine in FP16 needs the package onnx: pip install onnx.") from error
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(content), strict_mode=True)
    _Pass(model.graph).run()
    del model.graph.value_info[:]  # of before
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


class _Pass:
    """One walk over the nodes, which ONNX keeps in an order that can be computed."""

    def __init__(self, graph: "onnx.GraphProto") -> None:
        from onnx import TensorProto, helper, numpy_helper

        self._graph, self._helper, self._numpy = graph, helper, numpy_helper
        self._fp16, self._fp32 = TensorProto.FLOAT16, TensorProto.FLOAT
        values = [*graph.input, *graph.output, *graph.value_info]
        types = {value.name: value.type.tensor_type.elem_type for value in values}
        types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
        self._floats = {name for name, kind in types.items() if kind == self._fp32}
        self._type = {name: self._fp32 for name in self._floats}  # that a tensor has by now
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._cast: dict[str, str] = {}  # a tensor -> the same in the other type
        self._unknown = {name for node in graph.node for name in node.output} - set(types) - {""}

    def run(self) -> None:
        graph = self._graph
        outputs = {value.name for value in graph.output}
        branches = [node.op_type for node in graph.node if any(a.HasField("g") for a in node.attribute)]
        if branches or self._unknown:
            raise BundleError(
                f"the network can't be made one of FP16 ({(branches or sorted(self._unknown))[0]!a}). "
                "Build the engine in fp32."
            )
        for node in graph.node:
            wanted = self._fp32 if node.op_type in KEPT_IN_FP32 else self._fp16
            for index, name in enumerate(node.input):
                fixed = index in _FP32_INPUTS.get(node.op_type, ())
                node.input[index] = self._as(name, self._fp32 if fixed else wanted)
            self._nodes.append(node)
            for index, name in enumerate(node.output):
                if name in self._floats and wanted == self._fp16:
                    self._narrow(node, index, name in outputs)
        del graph.node[:]
        graph.node.extend(self._nodes)
        used = {name for node in self._nodes for name in node.input}
        weights = [tensor for tensor in self._weights.values() if tensor.name in used]
        del graph.initializer[:]
        graph.initializer.extend(weights)

    def _as(self, name: str, wanted: int) -> str:
        """Name of the tensor in this type, if it is one of numbers."""
        if name not in self._floats or self._type[name] == wanted:
            return name
        if name not in self._cast:
            self._cast[name] = other = f"{name}__{'fp32' if wanted == self._fp32 else 'fp16'}"
            if name in self._weights:
                self._weights[other] = self._half_weight(name, other)
            else:
                self._nodes.append(self._helper.make_node("Cast", [name], [other], to=wanted))
        return self._cast[name]

    def _narrow(self, node: "onnx.NodeProto", index: int, is_output: bool) -> None:
        """The node's output is FP16 from here on; what the graph gives away is widened again."""
        name = node.output[index]
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                attribute.i = self._fp16
        if not is_output:
            self._type[name] = self._fp16
            return
        node.output[index] = half = f"{name}__fp16"
        self._cast[name] = half  # who reads the output in the graph reads it narrow
        self._nodes.append(self._helper.make_node("Cast", [half], [name], to=self._fp32))

    def _half_weight(self, name: str, other: str) -> "onnx.TensorProto":
        values = self._numpy.to_array(self._weights[name])
        if np.isfinite(values).all() and np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            raise BundleError(f"the network's {name!a} is too large for FP16. Build the engine in fp32.")
        return self._numpy.from_array(values.astype(np.float16), other)
