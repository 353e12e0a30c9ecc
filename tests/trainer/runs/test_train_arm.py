"""One arm: killed and started again it gives the same bits; a finished one is left alone."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scanside.errors import SettingError
from scanside.image import Size
from trainer.data.slides import read_mmotu_slides
from trainer.runs.arm import Arm
from trainer.runs.plan import Plan
from trainer.runs.train_arm import name_initial_weights, take_share, train_arm
from trainer.training.hardware import Hardware

ARM = Arm("mmotu", "original", "efficientnet", "mtl")
_SCRIPT = """
import sys
from pathlib import Path
from trainer.runs.plan import Plan
from trainer.runs.train_arm import train_arm
from trainer.training.hardware import Hardware
from tests.trainer.runs.test_train_arm import ARM
plan = Plan({"mmotu": Path(sys.argv[1])}, Path(sys.argv[2]), scale="smoke")
train_arm(ARM, 0, plan, Hardware())
"""


def training(data: Path, out: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(data), str(out)],
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )


@pytest.fixture(scope="module")
def done(mmotu_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    assert training(mmotu_like, out).wait(300) == 0
    return out


def files(out: Path) -> Path:
    return Plan({}, out, scale="smoke").folder(ARM, 0)


def test_a_killed_training_goes_on_to_the_same_bits(done: Path, mmotu_like: Path, tmp_path: Path) -> None:
    first, deadline = training(mmotu_like, tmp_path), time.monotonic() + 200
    while not (files(tmp_path) / "last.ckpt").exists():
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert not (files(tmp_path) / "test.npz").exists(), "killed too late to show anything"
    assert training(mmotu_like, tmp_path).wait(300) == 0
    a, b = (torch.load(files(out) / "weights.pt", weights_only=True) for out in (done, tmp_path))
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    for name in ("validation.npz", "test.npz"):
        one, other = (np.load(files(out) / name) for out in (done, tmp_path))
        assert all(np.array_equal(one[key], other[key], equal_nan=one[key].dtype.kind == "f") for key in one)
    assert not list(files(tmp_path).glob("*.ckpt")), "checkpoints are large: none is left behind"


def test_a_finished_arm_is_left_alone_and_other_settings_are_refused(done: Path, mmotu_like: Path) -> None:
    before = (files(done) / "test.npz").stat().st_mtime_ns
    train_arm(ARM, 0, Plan({"mmotu": mmotu_like}, done, scale="smoke"), Hardware())
    assert (files(done) / "test.npz").stat().st_mtime_ns == before
    other = Plan({"mmotu": mmotu_like}, done, scale="smoke", overrides=("optimiser.lr=0.5",))
    with pytest.raises(SettingError, match=r"optimiser\.lr 0\.001, asked for 0\.5"):
        train_arm(ARM, 0, other, Hardware())


def test_initial_weights_are_told_by_their_content(tmp_path: Path) -> None:
    def named(weights: object, arm: Arm = ARM) -> str:
        return name_initial_weights(arm, Plan({}, tmp_path, weights=str(weights)))

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "efficientnet_b0_rwightman-7f5810bc.pth").write_text(folder)
    one, other = (named(tmp_path / folder) for folder in ("a", "b"))
    assert one != other and one.startswith("efficientnet_b0_rwightman-7f5810bc.pth ")
    assert named(next((tmp_path / "a").iterdir())) == one
    assert (named("none"), named("imagenet")) == ("none", "imagenet")
    assert named(tmp_path / "a", replace(ARM, encoder="unet")) == "none"
    with pytest.raises(SettingError, match=r"--weights: .*missing\.pth can't be read"):
        named(tmp_path / "missing.pth")


def test_a_training_that_diverges_is_no_result(mmotu_like: Path, tmp_path: Path) -> None:
    settings = ("optimiser.lr=1e30", "training.epochs=1", "training.keep=last epoch")
    plan = Plan({"mmotu": mmotu_like}, tmp_path, scale="smoke", overrides=settings)
    with pytest.raises(SettingError, match="mmotu-original-efficientnet-mtl, seed 0: training diverged"):
        train_arm(ARM, 0, plan, Hardware())
    assert not list(tmp_path.rglob("*.npz")) and not list(tmp_path.rglob("weights.pt"))


def test_smoke_images_hold_both_kinds_in_every_part(mmotu_like: Path) -> None:
    for part in ("train", "validation", "test"):
        labels = read_mmotu_slides(mmotu_like, Size(40, 64), part, images=16).labels
        assert len(labels) == 16 and 0 < (labels == 7).sum() < 16


def test_shares_are_nested_and_hold_whole_patients(mmotu_like: Path) -> None:
    slides = read_mmotu_slides(mmotu_like, Size(40, 64), "validation", images=60)
    quarter, half = (set(take_share(slides, share, 3).names) for share in (0.25, 0.5))
    assert quarter < half < set(slides.names)
    assert set(take_share(slides, 0.25, 4).names) != quarter
    assert {slides.labels[i] for i in range(60)} == set(take_share(slides, 0.25, 3).labels)


@pytest.mark.slow
def test_two_devices_share_every_batch(mmotu_like: Path, tmp_path: Path) -> None:
    """Two processes on the CPU stand for two GPUs: the same slides, half of each batch to each."""
    head, plan = _SCRIPT.replace("Hardware())", 'Hardware("cpu", devices=2))').split("plan = ")
    begin, train = f"plan = {plan}".strip().split("\n")
    script = (
        f"{head}\nif __name__ == '__main__':\n    {begin}\n    {train}\n"  # started again in each process
    )
    (tmp_path / "two.py").write_text(script)
    words = [sys.executable, str(tmp_path / "two.py"), str(mmotu_like), str(tmp_path)]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run(words, check=True, timeout=300, stdout=subprocess.DEVNULL, cwd=root, env=environment)
    lines = (files(tmp_path) / "logs" / "metrics.csv").read_text().splitlines()
    step = lines[0].split(",").index("step")
    assert max(int(line.split(",")[step]) for line in lines[1:]) == 2 * (48 // 8) - 1
    assert (files(tmp_path) / "test.npz").exists()
