"""A graph that needs bytes from outside of itself is refused at load, wherever in it they are named."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from scanside.errors import BundleError
from scanside.model.bundle import DEFAULT_BUNDLE, MANIFEST, NETWORK, load_bundle
from scanside.model.outside_data import needs_outside_data


def _external() -> TensorProto:
    tensor = numpy_helper.from_array(np.ones(3, np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def _model(nodes: list[onnx.NodeProto], tensors: list[TensorProto]) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(nodes, "g", [], [], initializer=tensors))


def _in_a_branch() -> onnx.ModelProto:
    branch = helper.make_graph([], "branch", [], [], initializer=[_external()])
    other = helper.make_graph([], "other", [], [])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=other)
    return _model([node], [])


def _in_a_function() -> onnx.ModelProto:
    model = _model([], [])
    constant = helper.make_node("Constant", [], ["w"], value=_external())
    model.functions.append(helper.make_function("local", "f", [], ["w"], [constant], []))
    return model


@pytest.mark.parametrize(
    "model",
    [
        _model([], [_external()]),
        _model([helper.make_node("Constant", [], ["w"], value=_external())], []),
        _model([helper.make_node("EPContext", [], ["y"], domain="com.microsoft", embed_mode=0)], []),
        _in_a_branch(),
        _in_a_function(),
    ],
    ids=["initializer", "constant", "engine", "branch", "function"],
)
def test_it_is_found_wherever_it_is_named(model: onnx.ModelProto) -> None:
    assert needs_outside_data(model.SerializeToString()) is not None


def test_the_default_networks_are_whole() -> None:
    for path in DEFAULT_BUNDLE.glob("*.onnx"):
        assert needs_outside_data(path.read_bytes()) is None


@pytest.mark.parametrize("junk", [b"\xff" * 20, b"\x3a\xff\x01", b"\x0b"])
def test_what_is_no_protocol_buffer_is_said(junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|protocol buffer"):
        needs_outside_data(junk)


def test_a_bundle_with_such_a_graph_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    bundle_folder = Path(shutil.copytree(bundle_folder, tmp_path / "copy"))
    graph = onnx.load(bundle_folder / NETWORK)
    graph.graph.initializer.append(_external())
    (bundle_folder / NETWORK).write_bytes(graph.SerializeToString())
    manifest = json.loads((bundle_folder / MANIFEST).read_text())
    manifest["files"][NETWORK] = hashlib.sha256((bundle_folder / NETWORK).read_bytes()).hexdigest()
    (bundle_folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="needs weights in another file, which no SHA-256"):
        load_bundle(bundle_folder, allow_test_only=True)
