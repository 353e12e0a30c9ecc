"""A tiny synthetic cohort, and the runs that its tests look at: trained once."""

from pathlib import Path

import pytest

from trainer.cli import main

SMALL = ("--set", "training.epochs=1", "--set", "input.height=40", "--set", "input.width=64")


@pytest.fixture(scope="session")
def tiny_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of its 20 patients are malignant, so that every part holds both."""
    from trainer.synth.cohort import write_cohort
    from trainer.synth.recipe import Recipe

    root = tmp_path_factory.mktemp("cohort") / "cohort"
    write_cohort(root, Recipe(patients=20, size="small", malignant=0.5), jobs=1)
    return root


@pytest.fixture(scope="session")
def runs(mmotu_like: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """--out of a smoke run of four experiments, which share arms."""
    out = tmp_path_factory.mktemp("runs")
    for experiment in ("table7", "clinical-toggle", "branch-shares", "figure4"):
        assert main(command(experiment, out, mmotu_like, tiny_cohort)) == 0
    return out


def command(experiment: str, out: Path, mmotu: Path, cohort: Path) -> list[str]:
    """The words of `trainer run`; the drawn data stand for denoised ones, too."""
    data = [f"mmotu={mmotu}", f"mmotu-denoised={mmotu}", f"hospital={cohort}", f"hospital-denoised={cohort}"]
    words = ["run", experiment, "--out", str(out), "--scale", "smoke", *SMALL]
    return words + [word for one in data for word in ("--data", one)]
