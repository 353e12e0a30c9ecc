"""From a bundle to one with other precisions, judged, proven and run; nothing where it does not hold up."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from export.acceptance import Scans
from export.cli import main
from export.engine import source_graph
from export.half import to_half
from export.quantise import quantise
from export.scans import Parts
from scanside.assess.choose import open_network
from scanside.errors import RunnerError, SettingError
from scanside.model.bundle import DEFAULT_BUNDLE, MODEL_CARD, NETWORK, Bundle, load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.synth.bundle import _scan


def parts(bundle: Bundle) -> Parts:
    """Synthetic scans; malignant is the one that the network takes for it, so that its AUC is 1."""
    runner = open_network(bundle, RuntimeOptions(threads=1)).runner
    size = bundle.manifest.input_size
    scans = np.stack([np.rint(255 * _scan(seed, size)[0]) for seed in range(4)]).astype(np.uint8)
    outputs = runner.run({"scan": scans[:, None] / np.float32(255)})
    risk = outputs["class_probability"][:, 7]
    made = Scans("4 synthetic scans", "", scans, outputs["lesion_probability"] > 0.5, risk == risk.max())
    return Parts(made, made, made)


def test_fp16_holds_up_and_is_proven_when_it_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fp16"
    (candidate,) = quantise(DEFAULT_BUNDLE, parts, "float16", out)
    bundle = load_bundle(out)
    variant = bundle.manifest.variant("float16", "tensorrt")
    assert variant is not None and variant.file == NETWORK  # it costs no bytes, and no device needs the file
    assert bundle.files.keys() == load_bundle(DEFAULT_BUNDLE).files.keys()
    assert source_graph(bundle, NETWORK, "fp16") == to_half(bundle.files[NETWORK])
    assert (
        onnx.load_from_string(candidate.graph).graph
        == onnx.load_from_string(source_graph(bundle, NETWORK, "fp16")).graph
    )
    (entry,) = bundle.manifest.document["precisions"]
    assert entry["report"]["passed"] and entry["report"]["images"] == 4
    assert "| float16 | tensorrt |" in bundle.files[MODEL_CARD].decode()
    assert main(["verify", str(out)]) == 0
    assert main(["inspect", str(out)]) == 0
    assert "float16 for tensorrt: risk differs by 0.0" in " ".join(capsys.readouterr().out.split())
    assert bundle.manifest.denoiser == load_bundle(DEFAULT_BUNDLE).manifest.denoiser
    assert bundle.manifest.tolerance == load_bundle(DEFAULT_BUNDLE).manifest.tolerance
    with pytest.raises(SettingError, match="no float16 network for onnxruntime"):
        bundle.graph("float16")


def test_a_network_beyond_its_limits_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from export import acceptance

    monkeypatch.setitem(acceptance.LIMITS, "float16", acceptance.Limits(0.0, 0.0))
    with pytest.raises(RunnerError, match="Nothing is written"):
        quantise(DEFAULT_BUNDLE, parts, "float16", tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_what_can_not_be_judged_is_refused(
    exported: tuple[Path, object, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", f"mmotu={tmp_path}", "--precision", "int8", "--out"]
    assert main(["quantise", str(DEFAULT_BUNDLE), *words, str(tmp_path)]) == 1
    assert "exists and is left as it is" in capsys.readouterr().err
    assert main(["quantise", str(exported[0]), *words, str(tmp_path / "out")]) == 1
    assert "reads clinical facts" in capsys.readouterr().err
    assert main(["quantise", str(DEFAULT_BUNDLE), *words, str(tmp_path / "out")]) == 1
    assert "MMOTU is incomplete" in capsys.readouterr().err
    words[1] = "hospital=x"
    assert main(["quantise", str(DEFAULT_BUNDLE), *words, str(tmp_path / "out")]) == 1
    assert "write mmotu=DIR" in capsys.readouterr().err
