"""What is written is what is read; whatever was altered, or would leak, is refused with its place."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scanside.errors import InputError
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from scanside.image import Box, Size
from scanside.scan.types import Crop
from trainer.data.hospital import CohortSlide, compute_fingerprint, read_dataset
from trainer.prepare.dataset import SplitFacts, draw_split, finish_dataset, make_pseudonym, write_slide

KEY = bytes(32)


def facts(number: int) -> dict[str, SplitFacts]:
    """Every fifth malignant, every third of an oncology centre."""
    return {
        make_pseudonym(KEY, "P", str(i), digits=10): SplitFacts(
            ClinicalRecord(tuple(MenopausalStatus)[i % 3], Centre.ONCOLOGY if i % 3 == 0 else Centre.OTHER),
            i % 5 == 0,
        )
        for i in range(number)
    }


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    patients = draw_split(facts(20), seed=1)
    rng = np.random.default_rng(0)
    slides = []
    for index, patient in enumerate(patients):
        name = make_pseudonym(KEY, "S", patient.name, digits=12)
        pixels = rng.integers(0, 256, (40, 50), np.uint8)
        drawn = pixels > 128 if index % 2 else None
        digests = write_slide(tmp_path, name, pixels, drawn)
        origin = Crop(Box(10, 20, 60, 60), Size(80, 100))
        slides.append(
            CohortSlide(name, patient.name, patient.malignant, origin, *digests, flags=("a", "b, c"))
        )
    finish_dataset(
        tmp_path, patients, slides, kind="synthetic", name="test", split={"seed": 1}, preparation={}
    )
    return tmp_path


def test_what_was_written_is_read(dataset: Path) -> None:
    cohort = read_dataset(dataset)
    cohort.check_files()
    rng = np.random.default_rng(0)
    for index, slide in enumerate(cohort.slides):
        pixels = rng.integers(0, 256, (40, 50), np.uint8)
        assert np.array_equal(cohort.pixels(slide), pixels)
        lesion = cohort.lesion(slide)
        assert (lesion is not None) == bool(index % 2)
        assert lesion is None or np.array_equal(lesion, pixels > 128)
        assert slide.origin.box == Box(10, 20, 60, 60) and slide.flags == ("a", "b, c")
    assert cohort.patients == draw_split(facts(20), seed=1)
    assert cohort.about["counts"]["patients"] == 20 and cohort.about["counts"]["masks"] == 10
    assert {path.name for path in dataset.rglob(".*")} == set()  # no half file is left


def test_ca125_is_a_column_only_where_it_is_known(dataset: Path, tmp_path: Path) -> None:
    assert "ca125" not in (dataset / "patients.csv").read_text()
    known = {
        name: replace(fact, record=replace(fact.record, ca125_u_ml=None if i % 2 else 0.1 + i))
        for i, (name, fact) in enumerate(facts(6).items())
    }
    patients = draw_split(known, seed=1)
    finish_dataset(tmp_path / "new", patients, [], kind="synthetic", name="", split={}, preparation={})
    assert read_dataset(tmp_path / "new").patients == patients


def test_the_split_shares_out_patients_and_malignancy_and_is_stable() -> None:
    given = facts(963)
    patients = draw_split(given, seed=7)
    test = [patient for patient in patients if patient.part == "test"]
    assert len(test) == round(0.15 * 963)
    for malignant in (False, True):
        for centre in (Centre.ONCOLOGY, Centre.OTHER):
            stratum = [p for p in patients if (p.malignant, p.record.centre) == (malignant, centre)]
            assert abs(sum(p.part == "test" for p in stratum) - 0.15 * len(stratum)) < 1
            for fold in range(5):
                trained = [p for p in stratum if p.part == "train"]
                assert abs(sum(p.fold == fold for p in trained) - len(trained) / 5) < 1
    assert patients == draw_split(dict(reversed(given.items())), seed=7)
    assert patients != draw_split(given, seed=8)


def rewrite(root: Path, table: str, line: int, column: str, value: str) -> None:
    """Change one cell and make the fingerprint fit, as a careless person with a script would."""
    path = root / table
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[line][column] = value
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    about = json.loads((root / "dataset.json").read_text())
    tables = [(root / name).read_bytes() for name in ("patients.csv", "slides.csv")]
    about["fingerprint"] = compute_fingerprint(*tables)
    (root / "dataset.json").write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("slides.csv", "image", "../../etc/passwd", "not named after it"),
        ("slides.csv", "slide", "../x", "not a pseudonym"),
        ("slides.csv", "x1", "9999999", "doesn't lie in the source"),
        ("slides.csv", "source_width", "99999999", "not possible"),
        ("slides.csv", "height", "41", "not that of the box"),
        ("slides.csv", "height", "nan", "line 2"),
        ("slides.csv", "image_sha256", "0", "not a SHA-256"),
        ("slides.csv", "patient", "P0000000000", "not in patients.csv"),
        ("patients.csv", "malignant", "yes", "neither 0 nor 1"),
        ("patients.csv", "fold", "7", "don't go together"),
        ("patients.csv", "centre", "elsewhere", "elsewhere"),
    ],
)
def test_a_cell_that_can_not_be_is_refused(
    dataset: Path, table: str, column: str, value: str, message: str
) -> None:
    rewrite(dataset, table, 0, column, value)
    with pytest.raises(InputError, match=message):
        read_dataset(dataset)


def test_a_patient_in_two_parts_and_an_image_in_two_parts_are_refused(dataset: Path) -> None:
    cohort = read_dataset(dataset)
    other = next(i for i, p in enumerate(cohort.patients) if p.part != cohort.patients[0].part)
    slide = next(i for i, s in enumerate(cohort.slides) if s.patient == cohort.patients[other].name)
    rewrite(dataset, "slides.csv", slide, "image_sha256", cohort.slides[0].image_sha256)
    with pytest.raises(InputError, match="in both parts"):
        read_dataset(dataset)
    rewrite(dataset, "patients.csv", other, "patient", cohort.patients[0].name)
    with pytest.raises(InputError, match="twice, perhaps in two parts"):
        read_dataset(dataset)


def test_an_altered_or_missing_file_is_named(dataset: Path) -> None:
    cohort = read_dataset(dataset)
    first, second = cohort.slides[:2]
    (dataset / first.image).write_bytes((dataset / second.image).read_bytes())
    with pytest.raises(InputError, match=f"{first.name}.*not the file"):
        cohort.pixels(first)
    (dataset / first.image).unlink()
    with pytest.raises(InputError, match=f"{first.name}.*can't be read"):
        cohort.check_files()
    with (dataset / "slides.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(InputError, match="were changed"):
        read_dataset(dataset)


@pytest.mark.parametrize("name", ["counts", "split", "preparation"])
def test_a_dataset_json_that_does_not_tell_how_it_was_made_is_refused(dataset: Path, name: str) -> None:
    """`trainer denoise` writes it on, at the end of its work."""
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps({**about, name: "so"}))
    with pytest.raises(InputError, match=f"does not tell its {name}"):
        read_dataset(dataset)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "other/1"}', "[" * 100_000, "\0"])
def test_a_wrong_dataset_json_is_refused(dataset: Path, text: str) -> None:
    (dataset / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json"):
        read_dataset(dataset)


def test_an_unfinished_dataset_is_refused(dataset: Path) -> None:
    (dataset / "dataset.json").unlink()
    with pytest.raises(InputError, match="has finished"):
        read_dataset(dataset)
