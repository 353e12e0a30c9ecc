"""A trained network -> an ONNX graph whose outputs are probabilities. The only file that needs torch."""

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scanside.image import Size
from trainer.denoiser.ready import OUTPUTS as DENOISER_OUTPUTS
from trainer.models.denoiser.edge import STRIDE

OPSET = 18  # the lowest that torch's exporter writes; TensorRT 8.6 and later read it
_FP16_FROM = 2048  # smaller weights, and all biases, stay in FP32: they weigh nothing and matter


class Probabilities(nn.Module):
    """The network with its logits turned into what a bundle promises."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def named(self, scan: Tensor, clinical: Tensor | None = None) -> dict[str, Tensor]:
        """class_probability (N, C), lesion_probability (N, H, W), features (N, D): those that it has."""
        output = self.network(scan) if clinical is None else self.network(scan, clinical)
        found = {}
        if output.class_logits is not None:
            found["class_probability"] = torch.softmax(output.class_logits, dim=1)
        if output.lesion_logits is not None:
            found["lesion_probability"] = torch.sigmoid(output.lesion_logits[:, 0])
        if output.features is not None:
            found["features"] = output.features
        return found

    def forward(self, scan: Tensor, clinical: Tensor | None = None) -> tuple[Tensor, ...]:
        return tuple(self.named(scan, clinical).values())


def round_to_fp16(network: nn.Module) -> nn.Module:
    """Fold batch norms and round large weights to the nearest FP16 value, in place, kept as FP32.

    What this network computes is what the bundle computes. Batch norms go first: folded later, by the
    exporter, they would move the rounded weights off FP16's grid, and these would be rounded twice.
    """
    for part in network.modules():
        if isinstance(part, nn.Sequential):
            _fold_batch_norms(part)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1 and parameter.numel() >= _FP16_FROM:
                parameter.copy_(parameter.half().float())
    return network


def denoiser_to_onnx(network: nn.Module) -> bytes:
    """Export an edge denoiser (trainer/models/denoiser/edge.py), for any batch, rows and columns.

    Args:
        network: in evaluation mode; its weights stay in FP32, they are few.
    """
    batch = torch.export.Dim("batch", min=1, max=64)
    # In blocks of the network's stride: it takes no other size.
    rows, columns = (STRIDE * torch.export.Dim(name, min=4, max=512) for name in ("rows", "columns"))
    shape, size = {0: batch, 2: rows, 3: columns}, (2, 1, 7 * STRIDE, 11 * STRIDE)
    return _exported(
        network.eval(),
        (torch.rand(size), torch.rand(size)),  # one tensor twice would be traced as one input
        ["scan", "chroma"],
        list(DENOISER_OUTPUTS),
        (shape, shape),
    )


def to_onnx(
    network: nn.Module, size: Size, clinical_inputs: int, metadata: Mapping[str, str] | None = None
) -> bytes:
    """Export `network`, dynamic in the batch, large weights stored in FP16 and widened at load.

    Args:
        network: after `round_to_fp16`, in evaluation mode.
        size: rows and columns of the input.
        clinical_inputs: number of clinical facts; 0 for none.
        metadata: what the file says of itself, beside the graph.
    """
    whole = Probabilities(network).eval()
    arguments = [torch.rand(2, 1, *size)]
    names = ["scan"]
    if clinical_inputs:
        arguments.append(torch.zeros(2, clinical_inputs))
        names.append("clinical")
    with torch.inference_mode():
        outputs = list(whole.named(*arguments))
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = tuple({0: batch} for _ in names)
    return _exported(whole, tuple(arguments), names, outputs, shapes, metadata)


def _exported(
    network: nn.Module,
    arguments: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    dynamic_shapes: tuple[dict[int, Any], ...],
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    with warnings.catch_warnings():
        # What torch deprecates in itself, and that it has no torchvision, is no news to a user.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            network,
            arguments,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=dynamic_shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # None only with dynamo=False
    model = program.model_proto
    model.ir_version = min(model.ir_version, 10)
    _store_in_fp16(model.graph)
    _drop_notes(model)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


@torch.inference_mode()
def run_torch(network: nn.Module, inputs: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """What the exported graph has to give, computed by torch."""
    outputs = Probabilities(network).eval().named(*(torch.from_numpy(value) for value in inputs.values()))
    return {name: value.numpy() for name, value in outputs.items()}


def _fold_batch_norms(layers: nn.Sequential) -> None:
    for index in range(len(layers) - 1):
        convolution, norm = layers[index], layers[index + 1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            layers[index] = fuse_conv_bn_eval(convolution, norm)
            layers[index + 1] = nn.Identity()


def _store_in_fp16(graph: onnx.GraphProto) -> None:
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _FP16_FROM:
            continue
        half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue  # no weight of `round_to_fp16`: a constant that the exporter computed
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_fp16"))
        casts.append(helper.make_node("Cast", [f"{name}_fp16"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _drop_notes(model: onnx.ModelProto) -> None:
    """Remove what the exporter notes for debugging: source paths and stack traces of this machine."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    model.graph.doc_string = model.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
