"""Files full of identity, in header and pixels, become a dataset in which none of it is found again."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from scanside.deidentify.key import load_or_make_key
from scanside.scan.instance import open_instance
from tests.outside import needs_tools
from tests.synth.dicom import Patient, make_instance, save
from tests.synth.leaks import leaked_bytes, leaked_words
from tests.synth.patients import PLACES, SynthPatient, make_patient
from tests.synth.typed import make_plain_scan, type_on
from trainer.cli import main
from trainer.data.hospital import Cohort, read_dataset


@dataclass(frozen=True)
class Made:
    """Patients, their files, and the dataset made of them."""

    patients: list[SynthPatient]
    files: list[Path]
    cohort: Cohort
    target: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("identity")
    (root / "SRC").mkdir()
    patients = [make_patient(seed) for seed in range(len(PLACES))]
    files, lines = [], ["patient,menopause,centre,malignant"]
    for index, patient in enumerate(patients):
        number = str(patient.instance.PatientID)
        files.append(save(patient.instance, root / "SRC" / f"{number}.dcm"))
        lines.append(f"{number},post,other,{index % 2}")
    (root / "SRC" / f"{patients[0].secrets[0]}.dcm").write_text("no DICOM, but a name")
    (root / "table.csv").write_text("\n".join(lines))
    words = ["prepare", "hospital", str(root / "SRC"), str(root / "dst")]
    assert main([*words, "--clinical", str(root / "table.csv"), "--jobs", "2"]) == 0
    return Made(patients, files, read_dataset(root / "dst"), root / "dst")


def test_nothing_of_a_patient_is_in_any_file(made: Made) -> None:
    assert len(made.cohort.patients) == len(made.patients)
    texts = {text for patient in made.patients for text in patient.secrets}
    dates = {date for patient in made.patients for date in patient.dates}
    for file, patient in zip(made.files, made.patients, strict=True):
        assert len(leaked_bytes(file.read_bytes(), patient.secrets, patient.dates)) > 10
    for path in (path for path in made.target.rglob("*") if path.is_file()):
        content = str(path.relative_to(made.target)).encode() + path.read_bytes()
        assert leaked_bytes(content, texts, dates) == [], path


@needs_tools("tesseract")
@pytest.mark.parametrize("index", range(len(PLACES)), ids=PLACES)
def test_nothing_can_be_read_in_the_pixels(index: int, made: Made) -> None:
    patient, key = made.patients[index], load_or_make_key(made.target.with_name("dst.key"))
    before = open_instance(made.files[index]).frame().pixels.copy()
    before[patient.sector] = 0  # text is read best without speckle around it
    assert leaked_words(before, patient.burned_in)
    name = key.pseudonym(str(patient.instance.PatientID))
    slides = [slide for slide in made.cohort.slides if slide.patient == name]
    assert slides
    for slide in slides:
        box, after = slide.origin.box, made.cohort.pixels(slide)
        after[patient.sector[box.y0 : box.y1, box.x0 : box.x1]] = 0
        assert leaked_words(after, patient.burned_in) == []


@pytest.mark.parametrize(
    ("when", "flags"), [("blank", ["text blacked out"]), ("keep", ["text"]), ("refuse", [])]
)
def test_a_name_on_tissue_is_black_stated_or_left_out(when: str, flags: list[str], tmp_path: Path) -> None:
    pixels, covered = type_on(make_plain_scan().pixels)
    (tmp_path / "SRC").mkdir()
    for number, frame in enumerate((pixels, make_plain_scan().pixels)):
        who = Patient("BEISPIEL^VERA", f"P{number}")
        save(make_instance([frame], patient=who), tmp_path / "SRC" / f"{number}.dcm")
    (tmp_path / "table.csv").write_text(
        "patient,menopause,centre,malignant\nP0,post,other,0\nP1,post,other,1\n"
    )
    words = ["prepare", "hospital", str(tmp_path / "SRC"), str(tmp_path / "dst"), "--text", when]
    assert main([*words, "--clinical", str(tmp_path / "table.csv"), "--jobs", "1"]) == 0
    cohort = read_dataset(tmp_path / "dst")
    typed = [slide for slide in cohort.slides if any(flag.startswith("text") for flag in slide.flags)]
    assert len(cohort.slides) == (1 if when == "refuse" else 2) and len(typed) == len(flags)
    assert cohort.about["preparation"]["text_on_tissue"] == when
    for slide in typed:
        box = slide.origin.box
        inked = cohort.pixels(slide)[covered[box.y0 : box.y1, box.x0 : box.x1]]
        assert any(flag.startswith(flags[0]) for flag in slide.flags)
        assert (inked == 0).mean() > 0.97 if when == "blank" else inked.mean() > 120
    left_out = (tmp_path / "dst" / "left-out.csv").read_text()
    assert ("text was found on tissue" in left_out) is (when == "refuse")


def test_a_name_in_one_frame_of_a_cine_is_black_in_every_slide_of_it(tmp_path: Path) -> None:
    pixels, covered = type_on(make_plain_scan().pixels)
    cine = [make_plain_scan().pixels, pixels, make_plain_scan().pixels]
    (tmp_path / "SRC").mkdir()
    save(make_instance(cine, patient=Patient("BEISPIEL^VERA", "P0")), tmp_path / "SRC" / "cine.dcm")
    (tmp_path / "table.csv").write_text("patient,menopause,centre,malignant\nP0,post,other,0\n")
    words = ["prepare", "hospital", str(tmp_path / "SRC"), str(tmp_path / "dst"), "--jobs", "1"]
    assert main([*words, "--clinical", str(tmp_path / "table.csv")]) == 0
    slides = read_dataset(tmp_path / "dst").slides
    assert slides
    for slide in slides:
        box = slide.origin.box
        inked = read_dataset(tmp_path / "dst").pixels(slide)[covered[box.y0 : box.y1, box.x0 : box.x1]]
        assert (inked == 0).mean() > 0.97 and "text blacked out" in slide.flags
