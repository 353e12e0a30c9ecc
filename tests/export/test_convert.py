"""What the exported bundle computes is what the checkpoint computes."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from export.cli import main
from export.convert import Parity, convert
from export.golden import golden_inputs
from export.to_onnx import round_to_fp16, run_torch
from scanside.image import Size
from scanside.model.bundle import GOLDEN, MODEL_CARD, NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from tests.export.conftest import checkpoint_of
from trainer.models import checkpoint as checkpoints

Exported = tuple[Path, Bundle, Parity]


def test_runtime_equals_torch_on_scans_and_batches_never_seen_at_export(
    exported: Exported, checkpoint_path: Path
) -> None:
    _, bundle, _ = exported
    network = round_to_fp16(checkpoints.load(checkpoint_path).network())
    runner = OnnxRuntime(bundle.files[NETWORK])
    rng = np.random.default_rng(0)
    for batch in (1, 3, 8):
        inputs = {
            "scan": rng.random((batch, 1, 56, 88), np.float32),
            "clinical": rng.integers(0, 2, (batch, 2)).astype(np.float32),
        }
        expected, got = run_torch(network, inputs), runner.run(inputs)
        assert set(got) == set(expected)
        for name in expected:
            np.testing.assert_allclose(got[name], expected[name], atol=2e-4, err_msg=name)


def test_parity_is_measured_and_fp16_weights_move_little(exported: Exported) -> None:
    _, bundle, parity = exported
    assert not bundle.manifest.test_only
    assert 0 < parity.rounding["class_probability"] < 5e-3
    assert 0 <= parity.runtime["class_probability"] < 1e-4


def test_weights_are_stored_in_fp16_and_nothing_of_this_machine_is(
    exported: Exported, checkpoint_path: Path
) -> None:
    folder, bundle, _ = exported
    parameters = sum(p.numel() for p in checkpoints.load(checkpoint_path).network().parameters())
    assert len(bundle.files[NETWORK]) < 2.2 * parameters
    for content in bundle.files.values():
        assert str(Path(__file__).resolve().parents[2]).encode() not in content
        assert str(folder).encode() not in content
    assert b"site-packages" not in bundle.files[NETWORK]


def test_graph_is_one_that_older_runtimes_read(exported: Exported) -> None:
    model = onnx.load_from_string(exported[1].files[NETWORK])
    assert model.opset_import[0].version == 18
    assert model.ir_version <= 10
    assert [i.name for i in model.graph.input] == ["scan", "clinical"]
    assert [o.name for o in model.graph.output] == ["class_probability", "lesion_probability", "features"]


def test_graph_says_what_it_is_without_its_bundle(exported: Exported, checkpoint_path: Path) -> None:
    model = onnx.load_from_string(exported[1].files[NETWORK])
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["name"] == "untrained" and said["trained_on"] == "nothing"
    assert said["checkpoint_sha256"] == hashlib.sha256(checkpoint_path.read_bytes()).hexdigest()
    assert "Research use only" in said["research_use"]


def test_verify_compares_with_torch_where_the_checkpoint_is_given(
    exported: Exported, checkpoint_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(exported[0]), "--checkpoint", str(checkpoint_path), "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert {check["runtime"].split()[0] for check in checks} == {"ONNX", "torch"}


def test_export_is_deterministic(exported: Exported, checkpoint_path: Path, tmp_path: Path) -> None:
    from export.convert import convert

    again, _ = convert(checkpoint_path, tmp_path)
    assert again.digest == exported[1].digest


def test_golden_case_is_no_patient_and_looks_like_a_scan() -> None:
    scan = golden_inputs(Size(168, 272), 0)["scan"]
    assert scan.shape == (2, 1, 168, 272)
    assert scan.min() == 0 and scan.max() == 1
    assert 0.2 < scan.mean() < 0.8 and scan.std() > 0.1


def test_model_card_says_what_the_manifest_says(exported: Exported) -> None:
    card = exported[1].files[MODEL_CARD].decode()
    assert "Research use only" in card
    assert "| auc | 0.500 | 0.400 to 0.600 | 10 |" in card


def test_verify_passes_on_the_bundle_and_fails_on_another_network(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, bundle, _ = exported
    assert main(["verify", str(folder)]) == 0
    assert "passed" in capsys.readouterr().out

    from export.bundle import write_bundle

    golden = bundle.arrays(GOLDEN)
    golden["out_class_probability"] = golden["out_class_probability"][:, ::-1].copy()
    document = {k: v for k, v in bundle.manifest.document.items() if k not in ("schema", "files")}
    write_bundle(
        tmp_path,
        document,
        network=bundle.files[NETWORK],
        golden=golden,
        reference=bundle.arrays("reference.npz"),
        model_card="",
    )
    assert load_bundle(tmp_path)
    assert main(["verify", str(tmp_path), "--json"]) == 2
    assert '"passed": false' in capsys.readouterr().out


def test_a_difference_that_is_no_number_has_not_passed_and_is_null(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from export.verify import Check, print_json

    print_json([Check("runtime", "float32", "features", value, 1e-3) for value in (float("nan"), 1e-4)])
    bad, good = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert (bad["difference"], bad["passed"]) == (None, False)
    assert (good["difference"], good["passed"]) == (1e-4, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no checkpoint at"), (b"junk", "is not a checkpoint of this version")],
)
def test_a_wrong_checkpoint_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), "--out", str(tmp_path / "bundle")]) == 1
    assert message in capsys.readouterr().err


def test_an_altered_bundle_is_refused(
    exported: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in exported[1].files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "manifest.json").write_bytes((exported[0] / "manifest.json").read_bytes())
    with (tmp_path / NETWORK).open("r+b") as file:
        file.seek(1000)
        file.write(b"x")
    assert main(["verify", str(tmp_path)]) == 1
    assert "was altered" in capsys.readouterr().err


def test_a_u_net_becomes_a_bundle_too(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(encoder="unet")
    checkpoint.manifest["test_only"] = True  # as that of a smoke run
    checkpoints.save(checkpoint, tmp_path / "checkpoint.pt")
    bundle, parity = convert(tmp_path / "checkpoint.pt", tmp_path / "bundle")
    assert bundle.manifest.test_only
    assert max(parity.runtime.values()) < 1e-3
    assert bundle.arrays(GOLDEN)["out_features"].shape == (2, 2 * (4 + 8 + 16))
    assert main(["verify", str(tmp_path / "bundle"), "--checkpoint", str(tmp_path / "checkpoint.pt")]) == 0
