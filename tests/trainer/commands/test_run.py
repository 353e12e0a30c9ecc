"""`trainer run` as a user runs it: a smoke run, a broken-off run that goes on, and wrong input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.denoiser.untrained import untrained
from trainer.cli import main
from trainer.denoiser import checkpoint as denoisers
from trainer.models import checkpoint as checkpoints


def command(data: Path, out: Path) -> list[str]:
    arguments = ["run", "default-model", "--data", f"mmotu={data}", "--out", str(out), "--scale", "smoke"]
    return [sys.executable, "-m", "trainer.cli", *arguments]


@pytest.fixture(scope="module")
def smoke(mmotu_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    done = subprocess.run(command(mmotu_like, out), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "smoke run: these figures mean nothing" in done.stdout
    assert "Research use only" in done.stdout
    return out / "default-model" / "seed-0-smoke"


def test_smoke_run_leaves_a_checkpoint_logs_and_figures(smoke: Path) -> None:
    checkpoint = checkpoints.load(smoke / "checkpoint.pt")
    assert checkpoint.classes[7] == ("high-grade serous cystadenocarcinoma", True)
    assert sum(malignant for _, malignant in checkpoint.classes) == 1
    assert checkpoint.manifest["name"].endswith("-smoke") and checkpoint.manifest["test_only"] is True
    assert "its risks mean nothing" in checkpoint.manifest["training"]["summary"]
    evaluation = json.loads((smoke / "evaluation.json").read_text())
    auc = evaluation["performance"]["auc"]
    # So short a training may give every image one risk: then there is a reason instead of an interval.
    assert auc["reason"] or auc["low"] <= auc["value"] <= auc["high"]
    assert (smoke / "recipe.json").exists()
    assert list(smoke.rglob("metrics.csv")) and list(smoke.rglob("events.out.tfevents*"))
    with torch.inference_mode():
        output = checkpoint.network()(torch.rand(1, 1, 56, 88))
    assert torch.isfinite(output.class_logits).all()


def test_a_killed_run_goes_on_to_the_same_weights(smoke: Path, mmotu_like: Path, tmp_path: Path) -> None:
    folder = tmp_path / "default-model" / "seed-0-smoke"
    first = subprocess.Popen(
        command(mmotu_like, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 300
    while not (folder / "last.ckpt").exists():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not (folder / "checkpoint.pt").exists(), "killed too late to show anything"
    again = subprocess.run(command(mmotu_like, tmp_path), capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, again.stderr[-2000:]
    unbroken = checkpoints.load(smoke / "checkpoint.pt").state
    resumed = checkpoints.load(folder / "checkpoint.pt").state
    assert [name for name in unbroken if not torch.equal(unbroken[name], resumed[name])] == []


def test_a_finished_run_is_measured_again_behind_a_denoiser(
    smoke: Path, mmotu_like: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the same weights; and without one everything comes out as it was."""
    denoiser = tmp_path / "denoiser.pt"
    denoisers.save(untrained(), denoiser)
    words = ["run", "default-model", "--data", f"mmotu={mmotu_like}", "--scale", "smoke"]
    words += ["--weights-from", str(smoke / "checkpoint.pt")]
    folders = [tmp_path / name / "default-model" / "seed-0-smoke" for name in ("plain", "denoised")]
    assert main([*words, "--out", str(tmp_path / "plain")]) == 0
    assert main([*words, "--out", str(tmp_path / "denoised"), "--denoiser", str(denoiser)]) == 0
    before, plain, denoised = (checkpoints.load(folder / "checkpoint.pt") for folder in (smoke, *folders))

    assert "denoiser" not in plain.manifest
    assert plain.manifest["calibration"]["temperature"] == pytest.approx(
        before.manifest["calibration"]["temperature"], rel=1e-3
    )
    assert plain.manifest["threshold"]["risk"] == pytest.approx(
        before.manifest["threshold"]["risk"], rel=1e-3
    )
    # Of so short a run all risks are nearly equal: rounding would decide an AUC.
    logits = [np.load(folder / "test_predictions.npz")["logits"] for folder in (smoke, folders[0])]
    np.testing.assert_allclose(*logits, atol=1e-5)
    assert "weights unchanged" in plain.manifest["performance"]["measured_on"]

    for name, values in before.state.items():
        if not name.startswith("head."):
            assert torch.equal(values, denoised.state[name]), name
    recorded = denoised.manifest["denoiser"]
    assert recorded["fingerprint"] == untrained().document["fingerprint"]
    found = recorded["found"]
    assert found["training"]["images"] == 48 and found["training"]["annotated"] > 0
    assert denoised.manifest["reference"]["max_distance"] != before.manifest["reference"]["max_distance"]

    assert main([*words, "--out", str(tmp_path / "plain")]) == 1
    assert "holds a training, which stays" in capsys.readouterr().err
    assert main([*words[:-2], "--out", str(tmp_path / "plain")]) == 1  # nor is it trained over
    assert "holds a training with other settings" in capsys.readouterr().err
    recipe = json.loads((folders[0] / "recipe.json").read_text())
    assert recipe["initial_weights"] == before.manifest["training"]["initial_weights"]


def test_a_run_does_not_go_on_with_other_initial_weights(
    smoke: Path, mmotu_like: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "default-model", "--data", f"mmotu={mmotu_like}", "--scale", "smoke"]
    assert main([*words, "--out", str(smoke.parents[1]), "--weights", "imagenet"]) == 1
    assert "other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "mmotu=.", "--weights-from", "/no/such.pt"], "no checkpoint at"),
        (["--data", "mmotu=.", "--denoiser", "/no/such.pt"], "no checkpoint at"),
        (["--data", "mmotu=.", "--weights-from", "a.pt", "--weights", "imagenet"], "takes no --weights"),
        (["--data", "mmotu"], "write NAME=DIR"),
        (["--data", "mmotu=/no/such/folder"], "is not a folder"),
        (["--data", "liver=."], "give its folder as --data mmotu=DIR"),
        (["--data", "mmotu=.", "--weights", "/no/such.pth"], "--weights: /no/such.pth can't be read"),
    ],
)
def test_wrong_input_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "default-model", *arguments]) == 1
    assert message in capsys.readouterr().err
