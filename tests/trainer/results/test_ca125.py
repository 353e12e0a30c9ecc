"""CA125 as a third clinical input: off unless asked for, and refused where it is known of no patient."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scanside.errors import SettingError
from scanside.image import Size
from trainer.data.hospital import read_dataset
from trainer.data.slides import UNKNOWN, read_hospital_slides
from trainer.prepare.dataset import finish_dataset
from trainer.results.clinical import evaluate_facts_alone
from trainer.runs.arm import Arm
from trainer.runs.finished import read_run_record
from trainer.runs.plan import Plan
from trainer.runs.train_arm import train_arm
from trainer.training.hardware import Hardware

ARM = Arm("hospital", "original", "unet", "cls", clinical=True)
TINY = ("training.epochs=1", "input.height=32", "input.width=32", "network.unet_width=2")
ON = ("input.ca125=true",)


def without_ca125(cohort: Path, root: Path) -> Path:
    """The same data set as an earlier version wrote it."""
    old = read_dataset(cohort)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
        for path in (cohort / folder).iterdir():
            (root / folder / path.name).symlink_to(path)
    patients = [replace(p, record=replace(p.record, ca125_u_ml=None)) for p in old.patients]
    finish_dataset(root, patients, old.slides, kind="synthetic", name="old", split={}, preparation={})
    return root


def test_slides_hold_it_and_unknown_lies_halfway(tiny_cohort: Path) -> None:
    slides = read_hospital_slides(tiny_cohort, Size(32, 32), "train")
    record = {patient.name: patient.record for patient in read_dataset(tiny_cohort).patients}
    known = np.array([record[name].ca125_u_ml is not None for name in slides.patients])
    assert slides.clinical.shape == (len(slides), 3) and known.any() and not known.all()
    assert (slides.clinical[~known, 2] == UNKNOWN).all() and len(np.unique(slides.clinical[known, 2])) > 2


def test_networks_read_it_only_when_asked(tiny_cohort: Path, tmp_path: Path) -> None:
    inputs = {}
    for name, overrides in (("off", TINY), ("on", TINY + ON)):
        plan = Plan({"hospital": tiny_cohort}, tmp_path / name, scale="smoke", overrides=overrides)
        train_arm(ARM, 0, plan, Hardware())
        weights = torch.load(plan.folder(ARM, 0) / "weights.pt", weights_only=True)
        inputs[name] = weights["clinical.0.weight"].shape[1]
    assert inputs == {"off": 2, "on": 3}


def test_a_data_set_without_it_is_read_but_teaches_nothing_about_it(
    tiny_cohort: Path, tmp_path: Path
) -> None:
    root = without_ca125(tiny_cohort, tmp_path / "old")
    plan = Plan({"hospital": root}, tmp_path / "runs", scale="smoke", overrides=TINY + ON)
    with pytest.raises(SettingError, match="CA125 is known of no training patient"):
        train_arm(ARM, 0, plan, Hardware())
    both, alone = (evaluate_facts_alone(read_dataset(root), count).value for count in (3, 2))
    assert both == alone


def test_a_run_of_an_earlier_version_read_none(tiny_cohort: Path, tmp_path: Path) -> None:
    plan = Plan({"hospital": tiny_cohort}, tmp_path, scale="smoke", overrides=TINY)
    train_arm(ARM, 0, plan, Hardware())
    path = plan.folder(ARM, 0) / "run.json"
    made = read_run_record(path)
    content = json.loads(path.read_text())
    del content["configuration"]["input"]["ca125"]
    path.write_text(json.dumps(content))
    assert read_run_record(path) == made and not made.configuration.input.ca125
