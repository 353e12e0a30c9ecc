"""What a person may ask for, and what is refused before anything is trained."""

import os
import shutil
from pathlib import Path

import pytest

from scanside.errors import SettingError
from trainer.cli import main
from trainer.experiments.catalogue import EXPERIMENTS
from trainer.runs.plan import Plan
from trainer.synth.cohort import write_cohort
from trainer.synth.recipe import CohortRecipe
from trainer.training.hardware import Hardware


def test_settings_come_from_preset_scale_and_the_person_in_this_order(tmp_path: Path) -> None:
    arm = EXPERIMENTS["table5"].arms[2]
    full = Plan({}, tmp_path, preset="as-code").configuration(arm)
    assert (full.training.epochs, full.input.size, full.input.mask_above) == (80, (336, 544), 0.0)
    smoke = Plan({}, tmp_path, scale="smoke", overrides=("training.epochs=7",)).configuration(arm)
    assert (smoke.training.epochs, smoke.input.size, smoke.network.unet_width) == (7, (56, 88), 8)


def test_a_setting_may_be_of_one_data_set_alone(tmp_path: Path) -> None:
    arm = EXPERIMENTS["table5"].arms[2]
    assert arm.starts_from
    plan = Plan({}, tmp_path, overrides=("hospital.loss.class_weights=1,3", "mmotu.training.epochs=7"))
    plan.check()
    mine, before = plan.configuration(arm), plan.configuration(arm.starts_from)
    assert (mine.loss.class_weights, mine.training.epochs) == ((1.0, 3.0), 200)
    assert (before.loss.class_weights, before.training.epochs) == ((), 7)
    for wrong in ("mmotu.loss.class_weight=1", "liver.training.epochs=7", "hospital=7"):
        with pytest.raises(SettingError, match="there is no"):
            Plan({}, tmp_path, overrides=(wrong,)).check()


def test_smoke_runs_lie_apart(tmp_path: Path) -> None:
    arm = EXPERIMENTS["table1"].arms[0]
    full, smoke = (Plan({}, tmp_path, scale=scale).folder(arm, 0) for scale in ("full", "smoke"))
    assert full == tmp_path / "arms" / "mmotu-original-unet-seg" / "seed-0"
    assert smoke == tmp_path / "smoke" / "arms" / "mmotu-original-unet-seg" / "seed-0"


def test_an_arm_misses_the_data_of_what_it_starts_from(tmp_path: Path) -> None:
    arm = EXPERIMENTS["table6"].arms[0]
    assert "--data hospital-denoised=DIR" in Plan({}, tmp_path).missing(arm)
    assert "--data mmotu-denoised=DIR" in Plan({"hospital-denoised": tmp_path}, tmp_path).missing(arm)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["table1", "--data", "liver=."], "known data sets are mmotu"),
        (["table1", "--data", "hospital=."], "table1 can't be run: no data: give --data mmotu=DIR"),
        (["all", "--data", "mmotu=.", "--set", "training.epoch=3"], "there is no training.epoch"),
        (["table1", "--data", "mmotu=.", "--seeds", "0"], "at least 1"),
        (["table1", "--data", "mmotu=."], "MMOTU is incomplete"),
        (["table1", "--data", "mmotu=.", "--data", "mmotu=.."], "--data mmotu is given twice"),
        (["confounder", "--data", "mmotu=.", "--data", "hospital=."], "trains on MMOTU alone"),
        (["edge-denoiser", "--data", "mmotu=.", "--seed", "-1"], "--seed is at least 0"),
        (["default-model", "--data", "mmotu=.", "--set", "training.epochs=3"], "takes no --set"),
    ],
)
def test_what_can_not_be_run_is_refused_at_once(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", *words]) == 1
    assert message in capsys.readouterr().err


def test_a_data_set_without_test_patients_is_refused_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever else could be run first with the other data."""
    data, out = tmp_path / "few", tmp_path / "runs"
    write_cohort(data, CohortRecipe(patients=2, size="small", malignant=0.5), jobs=1)
    for experiment in ("all", "backbones", "clinical-only"):
        assert main(["run", experiment, "--data", f"hospital={data}", "--out", str(out)]) == 1
        assert "no slide for test; patients: 2. Prepare" in capsys.readouterr().err
    assert not out.exists()


def test_a_data_set_without_annotations_is_not_taken_for_one_with_them(
    mmotu_like: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("images", "annotations"):
        shutil.copytree(mmotu_like / folder, tmp_path / "copy" / folder, copy_function=os.link)
    (tmp_path / "copy" / "denoised.json").write_text("{}")
    for experiment in ("table1", "denoiser", "confounder"):
        assert main(["run", experiment, "--data", f"mmotu={tmp_path / 'copy'}", "--out", str(tmp_path)]) == 1
        assert "without" in capsys.readouterr().err


def test_a_batch_is_shared_out_among_devices() -> None:
    assert Hardware("cpu", 2).share(8) == 4
    for batch in (7, 2):
        with pytest.raises(SettingError, match="can't be shared"):
            Hardware("cpu", 2).share(batch)
