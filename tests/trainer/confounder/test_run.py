"""Annotations that correlate with the class: drawn as asked, removed, learnt, reported."""

import json
from pathlib import Path

import numpy as np
import pytest

from scanside.assess.denoise import Denoiser
from scanside.image import Size
from scanside.model.manifest import DenoiserLimits
from scanside.runtime.onnxruntime import OnnxRuntime
from tests.synth.bundle import make_bundle
from tests.synth.denoiser import make_denoiser
from trainer.cli import main
from trainer.confounder.scans import draw_annotated, read_two_classes
from trainer.data.mmotu import read_split

SIZE = Size(56, 88)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a denoiser that is a rule: what is coloured or bright and thin is annotation."""
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    make_bundle(folder, size=SIZE, denoiser=True)
    return folder


def words(mmotu: Path, out: Path, *more: str) -> list[str]:
    return ["run", "confounder", "--data", f"mmotu={mmotu}", "--out", str(out), "--scale", "smoke", *more]


def test_annotations_correlate_as_asked() -> None:
    second = np.arange(20_000) % 2 == 0
    for correlation in (0.0, 0.5, 1.0):
        annotated = draw_annotated(second, correlation, seed=3)
        assert np.corrcoef(second, annotated)[0, 1] == pytest.approx(correlation, abs=0.03)
        assert annotated.mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(draw_annotated(second, 1.0, 0), second)


def test_drawn_annotations_are_removed_and_the_rest_stays(mmotu_like: Path) -> None:
    size = Size(112, 168)
    entries = [e for e in read_split() if e.label in (0, 2)][:6]
    part = make_denoiser(size)
    denoiser = Denoiser(OnnxRuntime(part.graph), DenoiserLimits(threshold=0.5, min_pixels=6, max_share=0.9))
    scans, files = read_two_classes(mmotu_like, entries, 2, size, denoiser, "thesis", 0, "scans")
    plain, _ = read_two_classes(mmotu_like, entries, 2, size, None, "thesis", 0, "scans")
    assert files and np.array_equal(scans.stored, plain.stored) and plain.removed.shape[1] == 0
    assert scans.second.tolist() == [e.label == 2 for e in entries]
    assert np.array_equal(scans.removed[0], scans.stored[0])
    drawn, left = (np.abs(shown[1].astype(int) - shown[0]).sum() for shown in (scans.stored, scans.removed))
    assert 0 < left < 0.7 * drawn
    some = np.arange(len(entries)) % 2 == 0
    shown = scans.shown(some, denoised=False)
    assert np.array_equal(shown[some], scans.stored[1][some])
    assert np.array_equal(shown[~some], scans.stored[0][~some])


def test_the_command(
    mmotu_like: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(mmotu_like, tmp_path)) == 0
    folder = tmp_path / "confounder" / "seed-0-smoke"
    stored = {path: path.stat().st_mtime_ns for path in (folder / "stored").glob("*.npz")}
    assert len(stored) == 2
    assert main(words(mmotu_like, tmp_path, "--denoiser", str(bundle))) == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "stored").glob("*.npz")} == stored
    (removed,) = folder.glob("removed-*")
    assert len(list(removed.glob("*.npz"))) == 2
    report = (folder / "report" / "report.md").read_text()
    assert "as stored" in report and "removed" in report and "These figures mean nothing" in report
    assert json.loads((folder / "stored" / "run.json").read_text())["recipe"]["preset"] == "thesis"
    capsys.readouterr()
    (folder / "stored" / "run.json").write_text("{}")
    assert main(words(mmotu_like, tmp_path)) == 1
    assert "other settings" in capsys.readouterr().err
    assert main(words(mmotu_like, tmp_path, "--set", "training.epochs=3")) == 1
    assert main(words(mmotu_like, tmp_path, "--denoiser", str(mmotu_like))) == 1
