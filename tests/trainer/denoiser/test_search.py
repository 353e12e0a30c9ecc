"""The search for a denoiser and the training of the edge's, from the command to what lies on disk."""

import json
from pathlib import Path

import pytest

from trainer.cli import main
from trainer.denoiser import checkpoint as edge_checkpoints
from trainer.denoiser import search as denoiser
from trainer.denoiser import whole
from trainer.denoiser.search import ARMS, DenoiserArm

SMALL = ("--scale", "smoke", "--set", "training.epochs=1", "--set", "network.unet_width=2")


def test_the_arms_hold_the_search_of_the_thesis() -> None:
    assert len({arm.slug for arm in ARMS}) == len({arm.name for arm in ARMS}) == len(ARMS)
    assert {arm.network for arm in ARMS} == {"autoencoder", "unet", "jung"}
    for first, last in ((10.0, 0.1), (300.0, 1.0)):  # the thesis's first loss, and the one it chose
        assert any(arm.network == "unet" and (arm.alpha, arm.beta) == (first, last) for arm in ARMS)


def test_the_search_makes_a_table_goes_on_and_refuses_other_settings(
    mmotu_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = (DenoiserArm("unet", alpha=300.0), DenoiserArm("autoencoder", ssim=0.05, annotations="broad"))
    monkeypatch.setattr(denoiser, "ARMS", arms)
    words = ["run", "denoiser", "--data", f"mmotu={mmotu_like}", "--out", str(tmp_path), *SMALL]
    assert main(words) == 0
    section = json.loads((tmp_path / "smoke" / "sections" / "denoiser.json").read_text())
    assert len(section["tables"]) == 2
    for table in section["tables"]:
        assert [row[0] for row in table["rows"]] == ["untouched", *(arm.name for arm in arms)]
        assert all(len(row) == len(table["columns"]) == 7 for row in table["rows"])
    folder = tmp_path / "smoke" / "denoisers" / arms[0].slug / "seed-0"
    checkpoint = folder / "checkpoint.pt"
    assert whole.load(checkpoint).about["arm"]["alpha"] == 300
    written = checkpoint.stat().st_mtime_ns
    assert main(words) == 0
    assert checkpoint.stat().st_mtime_ns == written
    assert main([*words, "--set", "optimiser.lr=0.1"]) == 1
    assert "other settings" in capsys.readouterr().err


def test_an_edge_denoiser_is_trained_measured_and_kept(
    mmotu_like: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "edge-denoiser", "--data", f"mmotu={mmotu_like}", "--scale", "smoke"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "mean nothing" in capsys.readouterr().out
    path = tmp_path / "edge-denoiser" / "seed-0-smoke" / "checkpoint.pt"
    checkpoint = edge_checkpoints.load(path)
    assert 0 < checkpoint.limits.threshold < 1
    assert "good for nothing" in checkpoint.manifest["trained_on"]
    assert {"f1", "f1_grey", "psnr_inside", "replaced_tissue"} <= set(checkpoint.manifest["figures"])
    assert not (path.parent / "pairs").exists()
    on = ["--weights-from", str(path), "--out"]
    assert main([*words, *on, str(tmp_path / "on")]) == 0
    assert main([*words, *on, str(tmp_path)]) == 1  # its folder holds a run that began with none
    assert "other settings" in capsys.readouterr().err
    assert edge_checkpoints.load(path).manifest["initial_weights"] == "none"
    assert main([*words, "--out", str(tmp_path), "--set", "training.epochs=3"]) == 1


@pytest.mark.slow
def test_table2_reads_what_the_thesis_denoiser_wrote(
    mmotu_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Search, denoise, table: the whole way, with a network that learnt at least to keep the scan."""
    arm = DenoiserArm("unet", alpha=300.0)
    monkeypatch.setattr(denoiser, "ARMS", (arm,))
    learn = ["--set", "training.epochs=25", "--set", "optimiser.lr=0.01", "--set", "network.unet_width=4"]
    words = ["run", "denoiser", "--data", f"mmotu={mmotu_like}", "--out", str(tmp_path)]
    assert main([*words, "--scale", "smoke", *learn]) == 0
    checkpoint = tmp_path / "smoke" / "denoisers" / arm.slug / "seed-0" / "checkpoint.pt"
    out = tmp_path / "mmotu-denoised"
    assert main(["denoise", str(mmotu_like), "--with", str(checkpoint), "--out", str(out)]) == 0
    small = ["--set", "training.epochs=1", "--set", "input.height=40", "--set", "input.width=64"]
    table = ["run", "table2", "--data", f"mmotu-denoised={out}", "--out", str(tmp_path), "--scale", "smoke"]
    assert main([*table, *small]) == 0
    assert (tmp_path / "smoke" / "reports" / "table2" / "report.md").exists()
