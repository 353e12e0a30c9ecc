"""From a bundle to one with other precisions, judged, proven and run; nothing where it does not hold up."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from export.acceptance import Scans
from export.cli import main
from export.convert import convert
from export.quantise import quantise
from export.scans import Parts
from scanside.bundle import MODEL_CARD, load_bundle
from scanside.errors import RunnerError, SettingError
from scanside.runtime.ready import ready
from scanside.scan.types import Size
from tests.export.conftest import checkpoint_of
from tests.synth.bundle import _scan
from trainer import checkpoint as checkpoints


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle without clinical facts, its risks spread by what it sees."""
    folder = tmp_path_factory.mktemp("quantise")
    checkpoints.save(checkpoint_of(), folder / "checkpoint.pt")
    convert(folder / "checkpoint.pt", folder / "bundle")
    return folder / "bundle"


def parts(source: Path) -> Callable[[Size], Parts]:
    """Synthetic scans; malignant is what the network itself takes for it, so that its AUC is 1."""
    runner = ready(load_bundle(source), threads=1)

    def read(size: Size) -> Parts:
        scans = np.stack([np.rint(255 * _scan(seed, size)[0]) for seed in range(8)]).astype(np.uint8)
        scans[::2] //= 4  # far from the others
        risk = np.array(
            [runner.run({"scan": s[None, None] / np.float32(255)})["class_probability"][0, 1] for s in scans]
        )
        malignant = risk > np.median(risk)
        made = Scans("8 synthetic scans", "", scans, scans > 100, malignant)
        return Parts(made, made, made)

    return read


def test_fp16_holds_up_and_is_proven_when_it_is_run(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "fp16"
    (candidate,) = quantise(source, parts(source), "float16", out)
    bundle = load_bundle(out)
    variant = bundle.manifest.variant("float16", "tensorrt")
    assert variant is not None and bundle.graph("float16", "tensorrt") == candidate.graph
    (entry,) = bundle.manifest.document["precisions"]
    assert entry["report"]["passed"] and entry["report"]["images"] == 8
    assert "| float16 | tensorrt |" in bundle.files[MODEL_CARD].decode()
    assert main(["verify", str(out)]) == 0
    assert bundle.manifest.tolerance == load_bundle(source).manifest.tolerance
    with pytest.raises(SettingError, match="no float16 network for onnxruntime"):
        ready(bundle, "float16")


def test_a_network_beyond_its_limits_is_not_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from export import acceptance

    monkeypatch.setitem(acceptance.LIMITS, "float16", acceptance.Limits(0.0, 0.0))
    with pytest.raises(RunnerError, match="Nothing is written"):
        quantise(source, parts(source), "float16", tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_what_can_not_be_judged_is_refused(
    source: Path, exported: tuple[Path, object, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", f"mmotu={tmp_path}", "--precision", "int8", "--out"]
    assert main(["quantise", str(source), *words, str(tmp_path)]) == 1
    assert "exists and is left as it is" in capsys.readouterr().err
    assert main(["quantise", str(exported[0]), *words, str(tmp_path / "out")]) == 1
    assert "reads clinical facts" in capsys.readouterr().err
    assert main(["quantise", str(source), *words, str(tmp_path / "out")]) == 1
    assert "MMOTU is incomplete" in capsys.readouterr().err
    words[1] = "hospital=x"
    assert main(["quantise", str(source), *words, str(tmp_path / "out")]) == 1
    assert "write mmotu=DIR" in capsys.readouterr().err
