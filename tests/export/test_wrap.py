"""A network from elsewhere becomes a bundle only when the edge could run it."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

from export.cli import main
from scanside.model.bundle import GOLDEN, MANIFEST, MODEL_CARD, NETWORK, REFERENCE, load_bundle
from tests.synth.bundle import make_bundle


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose network, reference and golden case play the hospital's own."""
    return make_bundle(tmp_path_factory.mktemp("origin"))


class Case:
    """What a hospital has: a network, a manifest to be, reference and golden arrays."""

    def __init__(self, origin: Path, folder: Path) -> None:
        self.folder = folder
        self.model, self.like = folder / "model.onnx", folder / "like.json"
        self.reference, self.golden, self.out = folder / "ref.npz", folder / "gold.npz", folder / "out"
        self.model.write_bytes((origin / NETWORK).read_bytes())
        self.reference.write_bytes((origin / REFERENCE).read_bytes())
        self.golden.write_bytes((origin / GOLDEN).read_bytes())
        self.edit(lambda _: None, json.loads((origin / MANIFEST).read_text()))

    def edit(
        self, change: Callable[[dict[str, Any]], object], document: dict[str, Any] | None = None
    ) -> None:
        if document is None:
            document = json.loads(self.like.read_text())
        for key in ("schema", "files"):
            document.pop(key, None)
        change(document)
        self.like.write_text(json.dumps(document))

    def edit_model(self, change: Callable[[ModelProto], object]) -> None:
        model = onnx.load_from_string(self.model.read_bytes())
        change(model)
        self.model.write_bytes(model.SerializeToString())

    def wrap(self, *options: object) -> int:
        given = options or ("--reference", self.reference)
        return main([str(w) for w in ("wrap", self.model, "--like", self.like, *given, "--out", self.out)])

    def refused(self, capsys: pytest.CaptureFixture[str], message: str, code: int = 1) -> None:
        assert self.wrap() == code
        assert message in capsys.readouterr().err
        assert not self.out.exists() and not list(self.folder.glob(".out*"))


@pytest.fixture
def case(origin: Path, tmp_path: Path) -> Case:
    return Case(origin, tmp_path)


def test_without_a_golden_case_it_says_where_its_own_comes_from(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    assert case.wrap() == 0
    assert "does not show that the export was right" in capsys.readouterr().out
    bundle = load_bundle(case.out, allow_test_only=True)
    assert bundle.manifest.document["golden"]["source"] == "runtime"
    assert "does not show that the export was right" in bundle.files[MODEL_CARD].decode()
    assert bundle.files[NETWORK] == case.model.read_bytes()
    assert main(["verify", str(case.out)]) == 0
    assert main(["inspect", str(case.out)]) == 0
    assert "ONNX Runtime itself" in capsys.readouterr().out
    assert case.wrap() == 1
    assert "exists and is left as it is" in capsys.readouterr().err


def test_a_golden_case_of_the_source_is_used_and_checked(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    arrays = dict(np.load(io.BytesIO(case.golden.read_bytes())))
    wrong = {**arrays, "out_class_probability": arrays["out_class_probability"][:, ::-1]}
    for bad, message in (
        (wrong, "does not reproduce the bundle's golden case"),
        ({**arrays, "out_features": np.full_like(arrays["out_features"], np.nan)}, "does not reproduce"),
        ({k: v for k, v in arrays.items() if k != "out_features"}, "must hold the arrays"),
        ({k: v[:0] for k, v in arrays.items()}, "none empty"),
    ):
        np.savez(case.folder / "bad.npz", **bad)
        assert case.wrap("--reference", case.reference, "--golden", case.folder / "bad.npz") != 0
        assert message in capsys.readouterr().err and not case.out.exists()
    assert case.wrap("--reference", case.reference, "--golden", case.golden) == 0
    assert "ONNX Runtime" not in capsys.readouterr().out
    bundle = load_bundle(case.out, allow_test_only=True)
    assert bundle.manifest.document["golden"]["source"] == "given"
    np.testing.assert_array_equal(bundle.arrays(GOLDEN)["in_scan"], arrays["in_scan"])


def test_no_gate_no_bundle(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.wrap("--golden", case.golden) == 1
    assert "--reference is missing" in capsys.readouterr().err
    for arrays, message in (
        ({"mean": np.zeros(5), "whitening": np.zeros((5, 5))}, "would tell nothing"),
        ({"mean": np.full(5, np.nan), "whitening": np.eye(5)}, "would tell nothing"),
        ({"mean": np.zeros(4), "whitening": np.eye(4)}, "features of shape (5,)"),
        ({"mean": np.zeros(5)}, "has no array 'whitening'"),
    ):
        np.savez(case.reference, **arrays)
        case.refused(capsys, message, 2 if "shape" in message else 1)
    case.reference.write_bytes(b"junk")
    case.refused(capsys, "is no .npz file")


def test_another_bundles_manifest_is_not_this_networks(
    case: Case, origin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case.like.write_bytes((origin / MANIFEST).read_bytes())
    case.refused(capsys, "remove `files` and `schema`")
    case.like.write_bytes(b"[]")
    case.refused(capsys, "must be a JSON object")
    case.like.unlink()
    case.refused(capsys, "Check the path")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("training"), "training is missing"),
        (lambda d: d["threshold"].update(risk=2), "between 0 and 1"),
        (lambda d: d.update(denoiser={}), "goes without one"),
        (lambda d: d["input"].update(height=85), "its manifest asks for (N, 1, 85, 136)"),
        (lambda d: d["input"].update(clinical=[]), "a bundle's network has scan"),
        (lambda d: d["input"]["clinical"].pop(), "asks for (N, 1)"),
        (lambda d: d["classes"].append({"name": "third", "malignant": True}), "asks for (N, 3)"),
    ],
)
def test_a_manifest_that_does_not_fit_the_network(
    case: Case, capsys: pytest.CaptureFixture[str], change: Callable[[dict[str, Any]], object], message: str
) -> None:
    case.edit(change)
    case.refused(capsys, message)


def _rename_output(model: ModelProto) -> None:
    model.graph.output[0].name = "dark"


def _fix_batch(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def _double(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def _external(model: ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def _logits(model: ModelProto) -> None:
    """As many networks come: without the softmax."""
    softmax = model.graph.node[-1]
    model.graph.node.pop()
    model.graph.node.append(helper.make_node("Identity", softmax.input, softmax.output))


def _batch_dependent(model: ModelProto) -> None:
    """A softmax over classes of logits less the batch's mean, as a batch norm left in training mode."""
    softmax = model.graph.node[-1]
    model.graph.node.pop()
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["logits"], ["of_batch"], axes=[0]),
            helper.make_node("Sub", ["logits", "of_batch"], ["centred_logits"]),
            helper.make_node("Softmax", ["centred_logits"], softmax.output, axis=1),
        ]
    )


@pytest.mark.parametrize(
    ("change", "message", "code"),
    [
        (_rename_output, "has the outputs 'dark', 'lesion_probability', 'features'", 1),
        (_fix_batch, "a fixed batch of 1", 1),
        (_double, "of type DOUBLE, not FLOAT", 1),
        (_external, "keeps weights in other files", 1),
        (lambda m: m.opset_import[0].__setattr__("version", 22), "is of ONNX opset 22", 1),
        (lambda m: m.__setattr__("ir_version", 11), "IR version 11", 1),
        (lambda m: m.opset_import.pop(), "is of ONNX opset 0", 1),
        (lambda m: m.graph.node.pop(), "can't load the network", 1),
        (_logits, "class_probability has values outside 0 to 1", 2),
        (_batch_dependent, "for a scan alone than in a batch", 2),
    ],
)
def test_a_network_that_the_edge_could_not_use(
    case: Case,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[ModelProto], object],
    message: str,
    code: int,
) -> None:
    case.edit_model(change)
    case.refused(capsys, message, code)


@pytest.mark.parametrize("content", [b"", b"junk", bytes(100)])
def test_what_is_no_network(case: Case, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    case.model.write_bytes(content)
    case.refused(capsys, "ONNX")
