"""A hospital's files become a dataset: whole, without identity, the same again after any interruption."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest

from scanside.facts import MenopausalStatus
from scanside.image import Size
from tests.trainer.hospital_tree import PATIENTS, Hospital, draw, make_hospital
from trainer.cli import main
from trainer.data.hospital import Cohort, read_dataset
from trainer.prepare.dataset import make_pseudonym

KEPT = ("--text", "keep")  # what the edge's network is given; test_identity.py has text blacked out


def run(hospital: Hospital, target: Path, *words: str) -> int:
    given = ["prepare", "hospital", str(hospital.source), str(target), "--clinical", str(hospital.table)]
    return main([*given, *KEPT, "--jobs", "2", "--cine-frames", "2", *words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hospital, Path]:
    """A hospital and its dataset, which tests only read."""
    root = tmp_path_factory.mktemp("hospital")
    hospital = make_hospital(root)
    assert run(hospital, root / "dst") == 0
    return hospital, root / "dst"


@pytest.fixture
def own(made: tuple[Hospital, Path], tmp_path: Path) -> tuple[Hospital, Path]:
    """A copy of both that a test may change."""
    _, target = made
    shutil.copytree(target.parent, tmp_path / "copy")
    return Hospital(tmp_path / "copy" / "SRC", tmp_path / "copy" / "table.csv"), tmp_path / "copy" / "dst"


def reasons(target: Path) -> list[str]:
    with (target / "left-out.csv").open(newline="") as file:
        return [row["reason"] for row in csv.DictReader(file)]


def test_every_slide_is_there_with_its_patient_and_facts(made: tuple[Hospital, Path]) -> None:
    _, target = made
    cohort = read_dataset(target)
    cohort.check_files()
    # Two stills each; frames 1 and 6 of the cine, and 3, on which a mask was drawn; twice two views.
    assert len(cohort.patients) == PATIENTS
    assert len(cohort.slides) == 2 * PATIENTS + 3 + 2 + 2
    assert sum(slide.mask is not None for slide in cohort.slides) == PATIENTS + 1 + 1 + 2
    assert sum(patient.malignant for patient in cohort.patients) == PATIENTS / 2
    statuses = [patient.record.menopausal_status for patient in cohort.patients]
    assert statuses.count(MenopausalStatus.POST) == PATIENTS / 2  # perimenopausal among them
    assert statuses.count(MenopausalStatus.UNKNOWN) == PATIENTS / 4
    assert reasons(target) == []


def test_masks_move_with_the_pixels(made: tuple[Hospital, Path]) -> None:
    hospital, target = made
    cohort = read_dataset(target)
    key = bytes.fromhex(Path(f"{target}.key").read_text())
    by_name = {slide.name: slide for slide in cohort.slides}
    for file, frame in hospital.frames.items():
        uid = pydicom.dcmread(hospital.source / file, stop_before_pixels=True).SOPInstanceUID
        slide = by_name[make_pseudonym(key, "S", uid, "1", digits=12)]
        box, lesion = slide.origin.box, cohort.lesion(slide)
        true = frame.lesion[box.y0 : box.y1, box.x0 : box.x1]
        assert lesion is not None and (lesion & true).sum() / (lesion | true).sum() > 0.97
        assert slide.origin.source == Size(*frame.lesion.shape)
        assert cohort.pixels(slide).shape == lesion.shape


def test_no_identity_is_in_the_dataset(made: tuple[Hospital, Path]) -> None:
    hospital, target = made
    files = [path for path in target.rglob("*") if path.is_file()]
    assert len(files) > 50 and len(hospital.secrets) > 60
    for path in files:
        content = str(path.relative_to(target)).encode() + path.read_bytes()
        assert [secret for secret in hospital.secrets if secret.encode() in content] == []
        if path.suffix == ".png":  # no chunk for text, time or anything but pixels
            assert not any(kind in content for kind in (b"tEXt", b"iTXt", b"zTXt", b"tIME", b"eXIf"))
    assert Path(f"{target}.key").stat().st_mode & 0o777 == 0o600


def test_the_same_again_changes_nothing(own: tuple[Hospital, Path]) -> None:
    hospital, target = own
    before = read_dataset(target)
    times = {path: path.stat().st_mtime_ns for path in target.glob("images/*")}
    assert run(hospital, target) == 0
    after = read_dataset(target)
    assert (after.slides, after.patients) == (before.slides, before.patients)
    again = {path: path.stat().st_mtime_ns for path in target.glob("images/*")}
    assert again.keys() == times.keys()


def test_what_is_there_twice_or_belongs_to_no_patient_is_left_out(own: tuple[Hospital, Path]) -> None:
    hospital, target = own
    before = read_dataset(target)
    folder = hospital.source / "DOE2SECRET"
    shutil.copy(folder / "IM_0001.dcm", folder / "copy.dcm")  # the same instance
    again = pydicom.dcmread(hospital.source / "DOE3SECRET" / "IM_0001.dcm")
    again.SOPInstanceUID = again.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    again.save_as(hospital.source / "DOE3SECRET" / "other.dcm")  # the same image of the same patient
    again.PatientID, again.SOPInstanceUID = "HOSPITAL-ID-4", pydicom.uid.generate_uid()
    again.save_as(hospital.source / "DOE4SECRET" / "other.dcm")  # and of another
    stranger = pydicom.dcmread(folder / "IM_0001.dcm")
    stranger.PatientID = "STRANGER"
    stranger.SOPInstanceUID = pydicom.uid.generate_uid()
    stranger.save_as(folder / "stranger.dcm")
    report = pydicom.dcmread(folder / "IM_0001.dcm")
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    report.save_as(folder / "report.dcm")
    (folder / "SMITH^JANE").write_bytes(b"not DICOM at all")
    assert run(hospital, target) == 0
    after = read_dataset(target)
    found = reasons(target)
    assert found.count("one image under different patients") >= 3
    assert "patient not in the clinical table" in found
    assert "not an ultrasound image: Comprehensive SR Storage" in found
    assert "no DICOM image, damaged, or no decoder for it" in found
    # The stranger's image is also patient 2's: whose it is stays in doubt, so neither keeps it.
    assert len(after.slides) == len(before.slides) - 2
    private = Path(f"{target}.key.left-out.csv")
    assert "SMITH^JANE" in private.read_text() and private.stat().st_mode & 0o777 == 0o600
    assert all(b"SMITH" not in path.read_bytes() for path in target.rglob("*") if path.is_file())


def test_a_doubtful_mask_is_not_used_and_named(own: tuple[Hospital, Path]) -> None:
    hospital, target = own
    wrong_size, flat = hospital.source / "DOE2SECRET" / "IM_0001.json", hospital.source / "IM_0001.json"
    draw(wrong_size, np.ones((50, 60), bool))
    draw(flat, np.ones((480, 640), bool))  # an IM_0001 there is in every folder
    draw(hospital.source / "DOE0SECRET" / "cine.json", np.ones((480, 640), bool))
    draw(hospital.source / "DOE0SECRET" / "cine_99.json", np.ones((480, 640), bool))
    (hospital.source / "DOE3SECRET" / "IM_0001.json").write_text('{"shapes": [')
    assert run(hospital, target) == 0
    assert sorted(reasons(target)) == [
        "the mask does not say which frame of a cine it is drawn on",
        "the mask fits several images of the same name",
        "the mask is not JSON",
        "the mask is of a frame that the cine does not have",
        "the mask was drawn on 60 x 50 px, the frame has 640 x 480 px",
    ]


def test_another_preparation_in_the_same_folder_is_refused(
    own: tuple[Hospital, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    hospital, target = own
    assert run(hospital, target, "--cine-frames", "4") == 1
    assert "begun with another cine_frames" in capsys.readouterr().err
    assert run(hospital, target, "--key", str(target.parent / "new.key")) == 1
    assert "begun with another key" in capsys.readouterr().err
    assert run(hospital, target.parent / "b", "--key", str(target.parent / "b" / "my.key")) == 1
    assert "must not lie in the dataset" in capsys.readouterr().err
    assert run(hospital, hospital.source / "dst") == 1
    assert "lie in each other" in capsys.readouterr().err
    assert run(hospital, target.parent) == 1
    assert run(hospital, hospital.source.parent / "SRC" / "..") == 1
    (target.parent / "c").mkdir()
    (target.parent / "c" / "mine.txt").write_text("mine")
    capsys.readouterr()
    assert run(hospital, target.parent / "c") == 1
    assert "not empty" in capsys.readouterr().err
    read_dataset(target)  # none of this has harmed it


def test_nothing_in_a_hostile_tree_is_passed_over_in_silence(own: tuple[Hospital, Path]) -> None:
    hospital, target = own
    still = hospital.source / "DOE1SECRET" / "IM_0001.dcm"
    still.rename(hospital.source / os.fsdecode(b"M\xfcller.dcm"))  # of another code page
    (hospital.source / "DOE1SECRET" / "IM_0000.json").rename(still.with_name("IM_0000.JSON"))
    (hospital.source / "DOE3SECRET" / "linked").symlink_to(hospital.source)
    (hospital.source / "gone.dcm").symlink_to("DOE5SECRET")
    os.mkfifo(hospital.source / "pipe.dcm")
    os.mkfifo(hospital.source / "pipe.json")
    (hospital.source / "deep.json").write_text("[" * 100_000)
    before = read_dataset(target)
    assert run(hospital, target) == 0
    assert same(read_dataset(target), before)
    assert sorted(reasons(target)) == [
        "a link to a folder, which is not followed",
        "a link to a folder, which is not followed",
        "not a regular file",
        "not a regular file",
        "the mask is not JSON",
    ]


def test_a_second_run_at_the_same_time_is_refused(
    made: tuple[Hospital, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would delete the images that only the other one's table knows."""
    hospital, _ = made
    words = ["prepare", "hospital", str(hospital.source), str(tmp_path / "dst"), "--jobs", "1", *KEPT]
    command = [sys.executable, "-m", "trainer.cli", *words, "--clinical", str(hospital.table)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not list((tmp_path / "dst").glob("images/*")) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert run(hospital, tmp_path / "dst") == 1
    assert "another run is writing" in capsys.readouterr().err
    assert first.wait(300) == 0
    read_dataset(tmp_path / "dst").check_files()


def test_a_dataset_in_the_working_folder(
    made: tuple[Hospital, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dst").mkdir()
    monkeypatch.chdir(tmp_path / "dst")
    assert run(made[0], Path()) == 0
    assert read_dataset(tmp_path / "dst").about["name"] == "dst"
    assert (tmp_path / "dst.key").is_file()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_broken_off_run_goes_on_to_the_same_dataset(
    made: tuple[Hospital, Path], tmp_path: Path, how: signal.Signals
) -> None:
    hospital, target = made
    shutil.copy(f"{target}.key", tmp_path / "key")
    words = ["prepare", "hospital", str(hospital.source), str(tmp_path / "dst"), "--jobs", "1", *KEPT]
    words += ["--clinical", str(hospital.table), "--key", str(tmp_path / "key"), "--cine-frames", "2"]
    command = [sys.executable, "-m", "trainer.cli", *words]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    records = tmp_path / "dst" / ".progress"
    give_up = time.monotonic() + 60
    while len(list(records.glob("R*.json"))) < 3 and time.monotonic() < give_up and process.poll() is None:
        time.sleep(0.01)
    os.killpg(process.pid, how)
    assert process.wait(60) != 0
    done = {path: path.stat().st_mtime_ns for path in records.glob("R*.json")}
    assert len(done) >= 3 and not (tmp_path / "dst" / "dataset.json").exists()
    assert main(words) == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done  # none was done again
    assert same(read_dataset(tmp_path / "dst"), read_dataset(target))


def same(one: Cohort, other: Cohort) -> bool:
    one.check_files()
    return (one.slides, one.patients, one.fingerprint) == (other.slides, other.patients, other.fingerprint)


def test_a_lost_or_damaged_image_is_made_again(own: tuple[Hospital, Path]) -> None:
    hospital, target = own
    before = read_dataset(target)
    (target / before.slides[0].image).unlink()
    (target / before.slides[1].image).write_bytes(b"half")
    assert run(hospital, target) == 0
    assert same(read_dataset(target), before)
