"""Text on tissue: found whatever it looks like, and no file says that it is clean while some is left."""

from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.deidentify.burned_in import TextOnTissue, TextRule, WhenText, clean_text
from scanside.deidentify.identity import Identity, identity_of
from scanside.deidentify.instance import Deidentified, deidentify
from scanside.deidentify.key import Key
from scanside.deidentify.text import FoundText, TextFinder, default_text_finder
from scanside.image import Grey, Mask
from scanside.scan.instance import open_instance
from tests.scanside.scan.real import path_of
from tests.synth.dicom import Patient, make_instance, save
from tests.synth.typed import INKS, NAME, make_plain_scan, type_on

KEY = Key(bytes(32))
NOBODY = Identity(frozenset(), frozenset())
PATIENT = Patient("BEISPIEL^VERA", "0815-4711")


def rule(when: WhenText = WhenText.BLANK, says: str | None = None) -> TextRule:
    """A rule with a reader that reads the same on every page; with none where it says nothing."""
    return TextRule(default_text_finder(), None if says is None else (lambda _: says), when)


def identity() -> Identity:
    header = Dataset()
    header.PatientName, header.PatientID = PATIENT.name, PATIENT.id
    return identity_of(header)


@pytest.fixture(scope="module")
def typed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody may change it: a cine of three frames, with a name on the second alone."""
    plain = make_plain_scan().pixels
    frames = [plain, type_on(plain)[0], plain]
    path = tmp_path_factory.mktemp("typed") / "typed.dcm"
    return save(make_instance(frames, patient=PATIENT), path)


@pytest.mark.parametrize(
    ("scale", "font", "upwards"),
    [
        (0.35, cv2.FONT_HERSHEY_SIMPLEX, False),
        (0.4, cv2.FONT_HERSHEY_PLAIN | cv2.FONT_ITALIC, False),
        (0.6, cv2.FONT_HERSHEY_SIMPLEX, False),
        (0.7, cv2.FONT_HERSHEY_COMPLEX, False),
        (1.1, cv2.FONT_HERSHEY_DUPLEX, False),
        (0.5, cv2.FONT_HERSHEY_SIMPLEX, True),
    ],
    ids=["small", "thin", "plain", "serifs", "large", "upwards"],
)
@pytest.mark.parametrize("ink", INKS)
def test_a_name_on_tissue_becomes_black(scale: float, font: int, upwards: bool, ink: str) -> None:
    at = (300, 440) if upwards else (230, 330)
    scale *= 2 if font & cv2.FONT_HERSHEY_PLAIN else 1
    pixels, covered = type_on(
        make_plain_scan().pixels, at=at, ink=ink, scale=scale, font=font, upwards=upwards
    )
    frames = pixels[None].copy()
    seen = clean_text(frames, NOBODY, rule())
    assert seen.frames == 1 and not seen.is_left
    assert np.mean(frames[0][covered] == 0) > 0.97
    assert np.mean(frames[0] != pixels) < 0.12


def test_a_scan_without_text_is_not_changed() -> None:
    frames = make_plain_scan().pixels[None].copy()
    before = frames.copy()
    seen = clean_text(frames, NOBODY, rule(says=""))
    assert seen.frames == 0 and not seen.is_left and seen.sentence == "no text found on tissue"
    assert (frames == before).all()


def test_calipers_are_no_text() -> None:
    frames = make_plain_scan().pixels[None].copy()
    for end in ((300, 250), (380, 320)):
        cv2.drawMarker(frames[0], end, INKS["yellow"], cv2.MARKER_CROSS, 13, 1)
    for share in np.linspace(0.1, 0.9, 12):
        cv2.circle(frames[0], (round(300 + 80 * share), round(250 + 70 * share)), 1, INKS["yellow"], -1)
    assert clean_text(frames, NOBODY, rule()).frames == 0


def test_text_in_one_frame_of_a_cine_becomes_black_in_all(typed_file: Path, tmp_path: Path) -> None:
    done = deidentify(typed_file, tmp_path, KEY)
    _, covered = type_on(make_plain_scan().pixels)
    written = pydicom.dcmread(done.path)
    assert done.text.frames == 1 and not done.text.is_left
    assert (written.pixel_array[:, covered] == 0).mean() > 0.97
    assert stamps(done) == ("NO", "YES", True)


def test_kept_text_is_stated_and_claims_nothing(typed_file: Path, tmp_path: Path) -> None:
    done = deidentify(typed_file, tmp_path, KEY, rule(WhenText.KEEP))
    assert done.text.is_left and stamps(done) == ("YES", "NO", False)
    assert "kept" in done.text.sentence and "nobody read it" in done.text.sentence


def test_nothing_is_written_of_a_file_with_text_that_is_refused(typed_file: Path, tmp_path: Path) -> None:
    with pytest.raises(TextOnTissue, match="which may name the patient"):
        deidentify(typed_file, tmp_path, KEY, rule(WhenText.REFUSE, says="8E1SPIEL VERA"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("says", "names_patient", "sentence"),
    [
        ("SPIEL VERA", True, "which may name the patient"),
        ("4711", True, "which may name the patient"),
        ("RT OVARY", False, "no word of the header read in it"),
        (None, None, "nobody read it"),
    ],
)
def test_what_was_read_is_compared_with_the_header_and_never_repeated(
    says: str | None, names_patient: bool | None, sentence: str
) -> None:
    frames = type_on(make_plain_scan().pixels)[0][None]
    seen = clean_text(frames, identity(), rule(WhenText.KEEP, says))
    assert seen.names_patient is names_patient and sentence in seen.sentence
    assert not says or says not in seen.sentence


def test_a_name_in_strokes_that_look_like_no_line_counts_where_it_is_read() -> None:
    frames = make_plain_scan().pixels[None].copy()
    cv2.putText(frames[0], "B", (300, 300), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INKS["white"], 1, cv2.LINE_AA)
    pages: list[Grey] = []

    def read(page: Grey) -> str:
        pages.append(page)
        return "BEISPIEL" if len(pages) == 1 else ""

    seen = clean_text(frames, identity(), TextRule(default_text_finder(), read))
    assert seen.names_patient and not seen.is_left and seen.blanked[285:300, 300:312].mean() > 0.5
    assert len(pages) > 1  # looked at again after it was blacked out


class SeesTextAnywhere(TextFinder):
    """Takes the same corner of the scan for text, whatever was done to it."""

    def find(self, pixels: NDArray[np.uint8], _: Mask | None = None) -> FoundText:
        text = np.zeros(pixels.shape[:2], bool)
        text[300:310, 300:310] = True
        return FoundText(text, text)


def test_text_that_is_still_found_after_blacking_out_is_refused() -> None:
    finder = SeesTextAnywhere(default_text_finder(), default_text_finder().limits)  # type: ignore[arg-type]
    with pytest.raises(TextOnTissue, match="also after blacking out"):
        clean_text(make_plain_scan().pixels[None].copy(), NOBODY, TextRule(finder))


def test_more_marks_than_tissue_are_refused() -> None:
    frames = make_plain_scan().pixels[None].copy()
    for y in range(80, 560, 16):
        cv2.putText(frames[0], NAME * 3, (60, y), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INKS["white"], 1)
    with pytest.raises(TextOnTissue, match="too much of the scan"):
        clean_text(frames, NOBODY, rule())


@pytest.mark.parametrize("when", WhenText)
def test_a_name_beside_the_sector_of_a_real_scan_is_gone_or_stated(when: WhenText, tmp_path: Path) -> None:
    source = path_of("../trials/f12_name_touching_sector_side.dcm")
    if source is None:
        pytest.skip("f12_name_touching_sector_side.dcm lies in the data folder; set SCANSIDE_DATA to it")
    if when is WhenText.REFUSE:
        with pytest.raises(TextOnTissue):
            deidentify(source, tmp_path, KEY, rule(when))
        return
    done = deidentify(source, tmp_path, KEY, rule(when))
    name = np.s_[122:136, 520:630]  # where the rest of it was left
    bright = pydicom.dcmread(done.path).pixel_array[name].max(axis=-1) > 200
    assert stamps(done) == (("YES", "NO", False) if when is WhenText.KEEP else ("NO", "YES", True))
    assert bright.any() if when is WhenText.KEEP else not bright.any()


def test_flat_colours_of_flow_stay_as_they_are(tmp_path: Path) -> None:
    """They are no filled bar, and no text."""
    source = path_of("../trials/tee_colour_doppler.dcm")
    if source is None:
        pytest.skip("tee_colour_doppler.dcm lies in the data folder; set SCANSIDE_DATA to it")
    before = open_instance(source).frame().pixels.astype(int)
    after = pydicom.dcmread(deidentify(source, tmp_path, KEY).path).pixel_array
    coloured = np.ptp(before, axis=2) > 120  # the frame of the Doppler box is paler
    inside = cv2.erode(coloured.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inside.sum() > 500 and (after[inside].max(axis=1) == 0).mean() < 0.001


def test_a_name_on_flow_becomes_black() -> None:
    pixels = make_plain_scan().pixels.copy()
    cv2.ellipse(pixels, (330, 300), (150, 60), 0, 0, 360, (30, 40, 200), -1)
    cv2.ellipse(pixels, (330, 200), (60, 20), 0, 0, 360, (200, 30, 30), -1)
    typed, covered = type_on(pixels, "BEISPIEL VERA", at=(250, 300))
    frames = typed[None].copy()
    seen = clean_text(frames, NOBODY, rule())
    assert seen.frames == 1 and (frames[0][covered] == 0).all(axis=1).mean() > 0.97
    assert (frames[0][190:210, 300:360] == typed[190:210, 300:360]).all()  # the flow beside it


def stamps(done: Deidentified) -> tuple[str, str, bool]:
    """Burned In Annotation, Patient Identity Removed, and whether Clean Pixel Data is claimed."""
    written = pydicom.dcmread(done.path)
    codes = [item.CodeValue for item in written.DeidentificationMethodCodeSequence]
    assert [f"DCM {code}" for code in codes] == list(written.DeidentificationMethod)
    return written.BurnedInAnnotation, written.PatientIdentityRemoved, "113101" in codes
