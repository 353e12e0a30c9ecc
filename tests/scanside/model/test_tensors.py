"""A network that is not what its manifest says is refused before it runs."""

from collections.abc import Callable
from dataclasses import replace

import onnx
import pytest

from scanside.assess.choose import open_network
from scanside.errors import BundleError, RunnerError, SettingError
from scanside.model.bundle import NETWORK, Bundle
from scanside.runtime.preference import RuntimeOptions

Change = Callable[[onnx.ModelProto], object]


def with_network(bundle: Bundle, change: Change) -> Bundle:
    model = onnx.load_from_string(bundle.files[NETWORK])
    change(model)
    return replace(bundle, files={**bundle.files, NETWORK: model.SerializeToString()})


def axis(kind: str, name: str, index: int, length: int) -> Change:
    def change(model: onnx.ModelProto) -> None:
        value = next(v for v in getattr(model.graph, kind) if v.name == name)
        value.type.tensor_type.shape.dim[index].dim_value = length

    return change


def rename_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "image"
    for node in model.graph.node:
        node.input[:] = ["image" if name == "scan" else name for name in node.input]


def test_the_bundle_as_it_is(bundle: Bundle) -> None:
    assert open_network(bundle, RuntimeOptions(threads=1)).runner.inputs[0].name == "scan"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.graph.output.pop(), r"outputs 'class_probability', 'lesion_probability'; .* features"),
        (rename_input, r"inputs 'image', 'clinical'; .* scan, clinical"),
        (axis("input", "scan", 2, 100), r"scan \(N, 1, 100, 136\) FLOAT.*asks for \(N, 1, 84, 136\)"),
        (axis("input", "scan", 0, 1), "fixed batch of 1"),
    ],
    ids=["missing output", "renamed input", "wrong shape", "fixed batch"],
)
def test_a_network_that_is_not_what_the_manifest_says(change: Change, message: str, bundle: Bundle) -> None:
    with pytest.raises((BundleError, RunnerError), match=message):
        open_network(with_network(bundle, change), RuntimeOptions(threads=1))


def test_an_opset_too_new_is_refused_with_what_to_do(bundle: Bundle) -> None:
    def newer(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = 999

    with pytest.raises(BundleError, match=r"can't load the network: .*(?s:.)*update onnxruntime"):
        open_network(with_network(bundle, newer), RuntimeOptions(threads=1))


def test_a_precision_that_the_bundle_has_not(bundle: Bundle) -> None:
    with pytest.raises(
        SettingError, match=r"no int8 network for onnxruntime; it has float32\. Name .* setting runtimes"
    ):
        open_network(bundle, RuntimeOptions(("onnxruntime:int8",), threads=1))
