"""A stand-in for MMOTU and a tiny synthetic cohort, so small that a smoke run takes seconds; runs on them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: these tests need scanside-trainer[train]")

SMALL = ("--set", "training.epochs=1", "--set", "input.height=40", "--set", "input.width=64")


@pytest.fixture(scope="session")
def mmotu_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright speckle with one dark ellipse, whose roundness depends on the class; images and masks."""
    from trainer.data.mmotu import read_split

    root = tmp_path_factory.mktemp("mmotu")
    (root / "images").mkdir()
    (root / "annotations").mkdir()
    for entry in read_split():
        rng = np.random.default_rng(entry.image)
        pixels = cv2.GaussianBlur(rng.integers(60, 255, (120, 176), np.uint8), (5, 3), 0)
        lesion = np.zeros((120, 176), np.uint8)
        centre = tuple(int(v) for v in rng.integers((60, 45), (116, 75)))
        cv2.ellipse(lesion, centre, (14 + 2 * entry.label, 28 - 2 * entry.label), 0, 0, 360, 1, -1)
        pixels[lesion > 0] //= 6
        cv2.imwrite(str(root / "images" / f"{entry.image}.JPG"), pixels)
        cv2.imwrite(str(root / "annotations" / f"{entry.image}_binary.PNG"), lesion)
    return root


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of its 20 patients are malignant, so that every part holds both."""
    from trainer.synth.cohort import write_cohort
    from trainer.synth.recipe import CohortRecipe

    root = tmp_path_factory.mktemp("cohort") / "cohort"
    write_cohort(root, CohortRecipe(patients=20, size="small", malignant=0.5), jobs=1)
    return root


@pytest.fixture(scope="session")
def runs(mmotu_like: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """--out of a smoke run of four experiments, which share arms."""
    from trainer.cli import main

    out = tmp_path_factory.mktemp("runs")
    for experiment in ("table7", "clinical-toggle", "branch-shares", "figure4"):
        assert main(command(experiment, out, mmotu_like, tiny_cohort)) == 0
    return out


def command(experiment: str, out: Path, mmotu: Path, cohort: Path) -> list[str]:
    """The words of `trainer run`; the drawn data stand for denoised ones, too."""
    data = [f"mmotu={mmotu}", f"mmotu-denoised={mmotu}", f"hospital={cohort}", f"hospital-denoised={cohort}"]
    words = ["run", experiment, "--out", str(out), "--scale", "smoke", *SMALL]
    return words + [word for one in data for word in ("--data", one)]
