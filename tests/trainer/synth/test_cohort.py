"""A cohort on disk: the dataset's format, the same bytes again, resumed where it broke off, no leak."""

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from scanside.errors import InputError
from trainer.cli import main
from trainer.data.hospital import read_dataset
from trainer.synth.cohort import write_cohort
from trainer.synth.patients import draw_patients
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import render_slide
from trainer.synth.write import write_patient

RECIPE = CohortRecipe(patients=12, seed=3, size="small")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cohort") / "whole"
    write_cohort(root, RECIPE, jobs=2)
    return root


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def files(root: Path) -> dict[str, bytes]:
    """What the cohort consists of; dataset.json says when it was made."""
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != "dataset.json"}


def test_it_is_a_dataset_that_says_it_is_synthetic(root: Path) -> None:
    cohort = read_dataset(root)
    cohort.check_files()
    assert cohort.about["kind"] == "synthetic"
    assert all(slide.maker.startswith("synthetic") for slide in cohort.slides)
    assert "no slide shows a patient" in (root / "report.md").read_text()
    expected = draw_patients(RECIPE)
    assert len(cohort.patients) == 12
    assert len(cohort.slides) == sum(patient.slides for patient in expected)
    assert sum(patient.malignant for patient in cohort.patients) == sum(p.malignant for p in expected)
    unmasked = [slide for slide in cohort.slides if slide.mask is None]
    assert 0 < len(unmasked) < 0.4 * len(cohort.slides)


def test_no_patient_is_in_two_parts(root: Path) -> None:
    cohort = read_dataset(root)
    part = {patient.name: (patient.part, patient.fold) for patient in cohort.patients}
    parts = {
        name: {slide.patient for slide in cohort.slides if part[slide.patient][0] == name}
        for name in ("train", "test")
    }
    assert parts["train"] and parts["test"] and not parts["train"] & parts["test"]
    assert len({slide.image_sha256 for slide in cohort.slides}) == len(cohort.slides)


def test_clean_and_annotated_slides_differ_where_the_annotations_are(root: Path) -> None:
    found = 0
    for row in rows(root / "annotations.csv"):
        image = cv2.imread(str(root / "images" / f"{row['slide']}.png"), cv2.IMREAD_GRAYSCALE)
        clean = cv2.imread(str(root / row["clean"]), cv2.IMREAD_GRAYSCALE)
        if row["annotation"] == "":
            assert row["clean"] == f"images/{row['slide']}.png"
            continue
        where = cv2.imread(str(root / row["annotation"]), cv2.IMREAD_GRAYSCALE) > 0
        assert where.any() and np.array_equal(image[~where], clean[~where])
        assert image[where].mean() > clean[where].mean() + 50
        found += 1
    assert 0.3 < found / len(rows(root / "annotations.csv")) < 0.8


def test_a_broken_off_cohort_goes_on_to_the_same_bytes(root: Path, tmp_path: Path) -> None:
    patients = draw_patients(RECIPE)
    begun = tmp_path / "begun"
    write_cohort(begun, RECIPE, jobs=1)
    assert files(begun) == files(root)
    # As a kill leaves it: no dataset.json, a patient without record, another with half its files.
    (begun / "dataset.json").unlink()
    records = sorted((begun / "records").iterdir())
    records[0].unlink()
    kept = records[1].stat().st_mtime_ns
    next((begun / "images").iterdir()).with_suffix(".part").write_bytes(b"half")
    write_cohort(begun, RECIPE, jobs=1)
    assert records[1].stat().st_mtime_ns == kept
    left = {name: content for name, content in files(begun).items() if not name.endswith(".part")}
    assert left == files(root)
    assert write_patient(begun, RECIPE, patients[0]) == patients[0].slides


def test_another_recipe_or_a_strange_folder_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="other settings"):
        write_cohort(root, replace(RECIPE, seed=4), jobs=1)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        write_cohort(tmp_path, RECIPE, jobs=1)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_annotations_follow_the_label_as_far_as_the_recipe_says() -> None:
    def annotated(effect: float, malignant: bool) -> list[bool]:
        recipe = replace(RECIPE, annotation_effect=effect)
        return [
            render_slide(recipe, replace(p, malignant=malignant), 0).annotated for p in draw_patients(RECIPE)
        ]

    assert annotated(0.0, True) == annotated(0.0, False) == annotated(3.0, False)
    assert sum(annotated(3.0, True)) > sum(annotated(3.0, False))


def test_the_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "synth",
        "cohort",
        str(root),
        "--patients",
        "12",
        "--seed",
        "3",
        "--size",
        "small",
        "--jobs",
        "1",
    ]
    assert main(words) == 0
    assert "12 synthetic patients" in capsys.readouterr().out
    assert main(["synth", "cohort", str(tmp_path / "new"), "--patients", "0"]) == 1
    assert main(["synth", "cohort", str(tmp_path / "new"), "--jobs", "0"]) == 1
    assert not (tmp_path / "new").exists()
