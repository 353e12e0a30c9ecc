"""What an ONNX file says of itself: inputs, outputs, opset. Nothing of it is run."""

from dataclasses import dataclass

from scanside.errors import BundleError, SettingError
from scanside.runtime.tensor import Tensor


@dataclass(frozen=True)
class Graph:
    """An ONNX model from outside. `opset` is that of ONNX's own operators; 0 when it imports none."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    opset: int
    ir_version: int
    external_data: bool


def read_graph(content: bytes, where: str) -> Graph:
    """Parse the bytes of an .onnx file.

    Raises:
        BundleError: it is none.
        SettingError: the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise SettingError("reading an ONNX graph needs the package onnx: pip install onnx.") from error
    try:
        model = onnx.load_from_string(content)
    except Exception as error:  # protobuf's errors differ between its implementations
        raise BundleError(f"{where} is no ONNX file, or a damaged one. Export the network again.") from error
    if not model.graph.node:  # protobuf reads much that is no model, a file of zero bytes among it
        raise BundleError(f"{where} holds no ONNX graph. Export the network again.")

    def tensors(values: "list[onnx.ValueInfoProto]") -> tuple[Tensor, ...]:
        return tuple(_tensor(value) for value in values)

    weights = {tensor.name for tensor in model.graph.initializer}  # before IR 4 they stood among the inputs
    return Graph(
        inputs=tensors([value for value in model.graph.input if value.name not in weights]),
        outputs=tensors(list(model.graph.output)),
        opset=max(
            (entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0
        ),
        ir_version=model.ir_version,
        external_data=any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer),
    )


def _tensor(value: "onnx.ValueInfoProto") -> Tensor:  # type: ignore[name-defined]  # noqa: F821
    import onnx

    kind = value.type.tensor_type
    names = onnx.TensorProto.DataType
    dtype = names.Name(kind.elem_type) if kind.elem_type in names.values() else "?"
    if not kind.HasField("shape"):
        return Tensor(value.name, dtype, None)
    return Tensor(
        value.name,
        dtype,
        tuple(d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in kind.shape.dim),
    )
