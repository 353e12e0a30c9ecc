"""Images of other exams: not scored or flagged by their header, in the worker and from the command line."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import SecondaryCaptureImageStorage

from edge.protocol.row import NOT_SCORED, SCORED
from edge.scoring.inference import Inference, inspect
from scanside.exam.options import ExamOptions
from scanside.exam.rules import Action
from scanside.image import Box
from scanside.model.bundle import DEFAULT_BUNDLE, load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.running import edge
from tests.synth.dicom import box_around, make_instance, region, save
from tests.synth.scans import make_frame


def make_image(path: Path, frames: int = 1, **values: Any) -> Path:
    instance = make_instance([make_frame(3 + number).pixels for number in range(frames)])
    for keyword, value in values.items():
        setattr(instance, keyword, value)
    return save(instance, path)


def make_child_heart(path: Path) -> Path:
    """A cine of a boy's heart: his ECG is drawn below the scan."""
    frames = [make_frame(seed) for seed in (3, 4, 5)]
    size = frames[0].size
    place = Box(0, size.height - 40, size.width, size.height)
    pixels = [made.pixels.copy() for made in frames]
    for one in pixels:
        one[place.y0 : place.y1] = 0
        one[place.y0 + 20 : place.y0 + 22] = 200
    scan = box_around(frames[0].sector)._replace(y1=place.y0)
    instance = make_instance(pixels, regions=[region(scan), region(place, spatial_format=4, data_type=10)])
    instance.PatientSex, instance.PatientAge, instance.HeartRate = "", "002Y", "117"
    return save(instance, path)


def inference(bundle: Path, **actions: Action) -> Inference:
    return Inference(load_bundle(bundle, allow_test_only=True), RuntimeOptions(), ExamOptions(actions))


def test_a_man_is_not_scored_and_his_picture_is_shown(bundle: Path, tmp_path: Path) -> None:
    path = make_image(tmp_path / "a.dcm", PatientSex="M")
    result = inference(bundle).assess(path, "1.2", None, 1)
    assert (result.row.state, result.row.risk) == (NOT_SCORED, None)
    assert result.row.reason == "not an ovary by its header: a male patient"
    assert result.row.exam == ("a male patient",)
    assert result.preview is not None and result.row.image_digest and result.readable


def test_a_setting_flags_him_instead_or_says_nothing(bundle: Path, tmp_path: Path) -> None:
    path = make_image(tmp_path / "a.dcm", PatientSex="M")
    flagged = inference(bundle, male=Action.FLAG).assess(path, "1.2", None, 1).row
    assert flagged.state == SCORED and "header: a male patient" in flagged.flags
    silent = inference(bundle, male=Action.OFF).assess(path, "1.2", None, 1).row
    assert silent.state == SCORED and not [flag for flag in silent.flags if flag.startswith("header")]
    assert silent.risk == flagged.risk


def test_a_childs_heart_is_one_row_with_all_that_its_header_says(bundle: Path, tmp_path: Path) -> None:
    path = make_child_heart(tmp_path / "a.dcm")
    assert inspect(path).frame_count == 1  # of three frames
    assert inspect(path, ExamOptions({"child": Action.OFF, "heart-rate": Action.OFF})).frame_count == 3
    row = inference(bundle).assess(path, "1.2", None, 1).row
    assert row.reason == (
        "not an ovary by its header: a patient 2 years old; a heart rate of 117 per minute; an ECG trace"
    )


def test_a_corrected_header_is_scored_and_a_header_that_became_a_mans_is_not(
    bundle: Path, tmp_path: Path
) -> None:
    """The image is the same; what its header says of the exam is not."""
    her, him = make_image(tmp_path / "f.dcm"), make_image(tmp_path / "m.dcm", PatientSex="M")
    scores = inference(bundle)
    first = scores.assess(him, "1.2", None, 1).row
    corrected = scores.assess(her, "1.2", None, 1, previous=first)
    assert corrected.row.state == SCORED and not corrected.reused
    back = scores.assess(him, "1.2", None, 1, previous=corrected.row)
    assert back.row.state == NOT_SCORED and not back.reused
    assert back.row.image_digest == first.image_digest and not back.row.superseded
    doubtful = make_image(tmp_path / "o.dcm", PatientSex="O")
    flagged = scores.assess(doubtful, "1.2", None, 1, previous=corrected.row).row
    assert "header: a patient of other sex" in flagged.flags
    again = scores.assess(doubtful, "1.2", None, 1, previous=replace(flagged))
    assert again.reused and again.row.flags == flagged.flags


def test_the_command_line_says_it_and_the_setting_changes_it(bundle: Path, tmp_path: Path) -> None:
    path, config = make_image(tmp_path / "a.dcm", BodyPartExamined="HEART"), tmp_path / "edge.toml"
    command = ("assess", path, "--json", "--bundle", bundle, "--allow-test-bundle")
    done = edge(*command)
    (row,) = json.loads(done.stdout)
    assert done.returncode == 0 and row["reason"] == "not an ovary by its header: body part heart"
    config.write_text("exam_rules = ['body-part:flag']\n")
    (row,) = json.loads(edge(*command, "--config", config).stdout)
    assert row["state"] == SCORED and row["flags"][0] == "header: body part heart"
    config.write_text("exam_rules = ['body_part:flag']\n")
    refused = edge(*command, "--config", config)
    assert refused.returncode == 1 and "'body_part' is unknown" in refused.stderr


def test_a_copy_of_a_screen_is_scored_where_the_setting_says_so(bundle: Path, tmp_path: Path) -> None:
    instance = make_instance([make_frame(3).pixels])
    instance.SOPClassUID = instance.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    path, config = save(instance, tmp_path / "a.dcm"), tmp_path / "edge.toml"
    command = ("assess", path, "--json", "--bundle", bundle, "--allow-test-bundle")
    (row,) = json.loads(edge(*command).stdout)
    assert row["state"] == NOT_SCORED and "its setting secondary_capture" in row["reason"]
    config.write_text("secondary_capture = true\n")
    (row,) = json.loads(edge(*command, "--config", config).stdout)
    assert row["state"] == SCORED and "copy of a screen (Secondary Capture)" in row["flags"]


TRIALS = {
    "hp_echo_child.dcm": "a patient 2 years old; a heart rate of 117 per minute; an ECG trace",
    "e00_male_patient.dcm": "a male patient",
    "e01_boy_echo_ecg.dcm": (
        "a male patient; a patient 6 years old; a heart rate of 117 per minute; an ECG trace"
    ),
    "tee_colour_doppler.dcm": "the heart from the oesophagus (Image Type TEE)",
}


@pytest.mark.parametrize("name", TRIALS)
def test_a_real_file_of_another_exam_says_why_it_is_not_scored(name: str, bundle: Path) -> None:
    folder = os.environ.get("SCANSIDE_DATA")
    path = Path(folder or "", "trials", name)
    if not folder or not path.exists():
        pytest.skip("SCANSIDE_DATA names no folder with trials/")
    row = inference(bundle).assess(path, "1.2", None, 1).row
    assert (row.state, row.reason) == (NOT_SCORED, f"not an ovary by its header: {TRIALS[name]}")


def test_a_real_uterus_is_flagged() -> None:
    """By its header: the default model's gate knows no uterus."""
    folder = os.environ.get("SCANSIDE_DATA")
    path = Path(folder or "", "trials", "philips_clearvue650_uterus.dcm")
    if not folder or not path.exists():
        pytest.skip("SCANSIDE_DATA names no folder with trials/")
    row = Inference(load_bundle(DEFAULT_BUNDLE), RuntimeOptions()).assess(path, "1.2", None, 1).row
    assert "header: an exam of the pelvis that names no ovary; a uterus would be scored, too" in row.flags
