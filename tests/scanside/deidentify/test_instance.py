"""Whole files: nothing of whose they were is found in what is written, and the tissue is as it was."""

from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from scanside.deidentify.instance import Deidentified, deidentify
from scanside.deidentify.key import Key
from scanside.errors import NoTissue
from scanside.scan.instance import open_instance
from tests.outside import needs_tools
from tests.scanside.scan.real import MORE, NAMES, path_of
from tests.synth.dicom import make_instance, save, transcode
from tests.synth.leaks import identity_of, leaked_bytes, leaked_words
from tests.synth.patients import PLACES, SynthPatient, make_patient
from tests.synth.scans import make_frame

KEY = Key(bytes(32))


def cleaned(patient: SynthPatient, folder: Path) -> tuple[Path, Deidentified]:
    source = save(patient.instance, folder / "original.dcm")
    return source, deidentify(source, folder, KEY)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_of_a_patient_is_found_again(seed: int, tmp_path: Path) -> None:
    patient = make_patient(seed)
    source, done = cleaned(patient, tmp_path)
    assert len(leaked_bytes(source.read_bytes(), patient.secrets, patient.dates)) > 10
    assert leaked_bytes(done.path.read_bytes(), patient.secrets, patient.dates) == []
    assert leaked_bytes(str(done.place).encode(), patient.secrets, patient.dates) == []


@pytest.mark.parametrize(
    "syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless], ids=lambda uid: uid.name
)
def test_nothing_is_found_after_another_transfer_syntax(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    patient = make_patient(6)
    source = transcode(save(patient.instance, tmp_path / "raw.dcm"), tmp_path / "original.dcm", syntax)
    done = deidentify(source, tmp_path, KEY)
    assert leaked_bytes(done.path.read_bytes(), patient.secrets, patient.dates) == []


def test_frames_that_the_header_does_not_count_are_counted_in_the_copy(tmp_path: Path) -> None:
    made = make_instance([make_frame(seed).pixels for seed in range(2)], syntax=RLELossless)
    del made.NumberOfFrames
    done = deidentify(save(made, tmp_path / "original.dcm"), tmp_path, KEY)
    assert pydicom.dcmread(done.path).NumberOfFrames == 2
    assert open_instance(done.path).frame_count == 2


@pytest.mark.parametrize("name", [name for name in (*NAMES, *MORE) if name != "ExplVR_BigEnd.dcm"])
def test_nothing_of_a_real_file_is_found_again(name: str, tmp_path: Path) -> None:
    source = path_of(name)
    if source is None:
        pytest.skip(f"{name} lies in the data folder; set SCANSIDE_DATA to it")
    texts, dates = identity_of(pydicom.dcmread(source))
    done = deidentify(source, tmp_path, KEY)
    assert leaked_bytes(source.read_bytes(), texts, dates)
    assert leaked_bytes(done.path.read_bytes(), texts, dates) == []


@needs_tools("tesseract")
@pytest.mark.parametrize("seed", range(len(PLACES)), ids=PLACES)
def test_nothing_can_be_read_in_the_pixels(seed: int, tmp_path: Path) -> None:
    patient = make_patient(seed)
    source, done = cleaned(patient, tmp_path)
    before, after = (open_instance(path).frame().pixels.copy() for path in (source, done.path))
    for pixels in (before, after):
        pixels[patient.sector] = 0  # text is read best without speckle around it
    assert leaked_words(before, patient.burned_in)
    assert leaked_words(after, patient.burned_in) == []


@pytest.mark.parametrize("seed", range(6))
def test_tissue_stays_and_all_else_is_black(seed: int, tmp_path: Path) -> None:
    patient = make_patient(seed)
    source, done = cleaned(patient, tmp_path)
    before, after = (open_instance(path).frame().pixels for path in (source, done.path))
    core = cv2.erode(patient.sector.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    around = cv2.dilate(patient.sector.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    kept = core & ~done.text.blanked  # the outlines of drawn lesions are sharp enough to be taken for letters
    assert np.mean(before[kept] == after[kept]) > 0.995 and np.mean(kept[core]) > 0.9
    assert not after[~around].any()


def test_what_is_written_is_plain_and_says_what_was_done(tmp_path: Path) -> None:
    _, done = cleaned(make_patient(0), tmp_path)
    written = pydicom.dcmread(done.path)
    assert written.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert written.preamble == bytes(128) and "SourceApplicationEntityTitle" not in written.file_meta
    assert done.path.name == f"{written.SOPInstanceUID}.dcm"
    assert written.PatientIdentityRemoved == "YES" and written.BurnedInAnnotation == "NO"
    assert written.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [item.CodeValue for item in written.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101", "113107"]
    assert done.frames == written.NumberOfFrames == 3 and done.black_frames == 0


@pytest.mark.parametrize(
    "representation, value, wanted",
    [("CS", ["ORIGINAL", "SECONDARY"], "SECONDARY"), ("US", 5, "PRIMARY"), ("PN", "A^B", "PRIMARY")],
)
def test_kind_of_image_is_told_whatever_was_written(
    representation: str, value: object, wanted: str, tmp_path: Path
) -> None:
    made = make_instance([make_frame(1).pixels])
    made[0x0008, 0x0008] = DataElement(0x00080008, representation, value)
    done = deidentify(save(made, tmp_path / "a.dcm"), tmp_path, KEY)
    assert list(pydicom.dcmread(done.path).ImageType) == ["DERIVED", wanted]


def test_lossy_history_stays(tmp_path: Path) -> None:
    _, done = cleaned(make_patient(2), tmp_path)
    written = pydicom.dcmread(done.path)
    assert (written.LossyImageCompression, written.LossyImageCompressionMethod) == ("01", "ISO_10918_1")


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    source, done = cleaned(make_patient(1), tmp_path)
    content = done.path.read_bytes()
    assert deidentify(source, tmp_path, KEY).path.read_bytes() == content
    assert deidentify(source, tmp_path, Key(bytes(range(32)))).path.read_bytes() != content


def test_what_was_cleaned_can_be_cleaned_again(tmp_path: Path) -> None:
    _, done = cleaned(make_patient(4), tmp_path)
    before = open_instance(done.path).frame().pixels
    (tmp_path / "twice").mkdir()
    again = deidentify(done.path, tmp_path / "twice", KEY)
    after = open_instance(again.path).frame().pixels
    assert np.mean((before == after)[~again.text.blanked]) > 0.999


def test_a_frame_without_a_scan_becomes_black(tmp_path: Path) -> None:
    frame = make_frame(1).pixels
    report = np.zeros_like(frame)
    cv2.putText(report, "SYNTHETIC^CASE", (50, 200), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    done = deidentify(save(make_instance([frame, report]), tmp_path / "a.dcm"), tmp_path, KEY)
    clean = open_instance(done.path)
    assert (done.frames, done.black_frames) == (2, 1)
    assert clean.frame(0).pixels.any() and not clean.frame(1).pixels.any()


def test_what_shows_no_scan_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    report = np.zeros((480, 640, 3), np.uint8)
    cv2.putText(report, "SYNTHETIC^CASE", (50, 200), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    source = save(make_instance([report]), tmp_path / "report.dcm")
    with pytest.raises(NoTissue):
        deidentify(source, tmp_path, KEY)
    assert list(tmp_path.iterdir()) == [source]
