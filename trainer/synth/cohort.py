"""Write a synthetic cohort as a dataset (trainer/data/hospital.py), with the truth that no hospital has.

Beside the dataset's own files:
clean/*.png        an annotated slide without its annotations
annotations/*.png  where on it they are, 0 or 255
annotations.csv    paths of both; an unannotated slide is its own clean one
truth.csv          what each slide was drawn from
recipe.json        what the cohort was drawn from
records/*.json     a finished patient each, for going on
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.progress import track

from scanside.errors import InputError, ScansideError
from trainer.data.hospital import Cohort, read_dataset
from trainer.files.write import write_file
from trainer.prepare.dataset import TEST_SHARE, SplitFacts, draw_split, finish_dataset, make_table
from trainer.prepare.instance import LeftOutFrame
from trainer.prepare.pool import run_all
from trainer.prepare.report import MissingSlide, make_left_out_table, make_report
from trainer.synth.patients import SynthPatient, draw_patients, name_patient
from trainer.synth.recipe import CohortRecipe
from trainer.synth.write import (
    ANNOTATION_COLUMNS,
    TRUTH_COLUMNS,
    choose_record_path,
    read_drawn,
    write_patient,
)

_RECIPE = "recipe.json"  # there from the start: a broken-off cohort goes on only with the same recipe


def write_cohort(root: Path, recipe: CohortRecipe, jobs: int) -> Cohort:
    """Write the cohort of `recipe` to `root`, or go on with it where it was broken off.

    Args:
        jobs: how many processes draw.

    Raises:
        InputError: `root` holds something else, a cohort of another recipe, or can't be written to.
        ScansideError: a drawing process died.
    """
    _claim_folder(root, recipe)
    if not (root / "dataset.json").exists():
        patients = draw_patients(recipe)
        _draw_patients(root, recipe, patients, jobs)
        _write_tables(root, recipe, patients)
    return read_dataset(root)


def _claim_folder(root: Path, recipe: CohortRecipe) -> None:
    path, mine = root / _RECIPE, asdict(recipe)
    try:
        if path.exists():
            if json.loads(path.read_bytes()) != mine:
                raise InputError(f"{root} holds a cohort of other settings. Choose another folder.")
        elif root.exists() and any(root.iterdir()):
            raise InputError(f"{root} is not empty and holds no synthetic cohort. Choose another folder.")
        else:
            write_file(path, (json.dumps(mine, indent=2) + "\n").encode())
    except (OSError, ValueError) as error:
        raise InputError(f"{root} can't be used: {error}. Choose another folder.") from error


def _draw_patients(root: Path, recipe: CohortRecipe, patients: Sequence[SynthPatient], jobs: int) -> None:
    todo = [patient for patient in patients if not choose_record_path(root, recipe, patient).exists()]
    if todo:
        draw = partial(write_patient, root, recipe)
        for patient, done in track(run_all(draw, todo, jobs), "drawing patients", total=len(todo)):
            if done is None:
                raise ScansideError(f"drawing patient {patient.number} ended its process. Is memory short?")


def _write_tables(root: Path, recipe: CohortRecipe, patients: Sequence[SynthPatient]) -> None:
    """Write the tables; the last of them makes the folder a dataset."""
    drawn = [(patient, read_drawn(root, recipe, patient)) for patient in patients]
    whole = [(patient, one) for patient, several in drawn for one in several if one.reason == ""]
    left_out = [
        MissingSlide(p.number + 1, Path(one.name), LeftOutFrame("slide", 0, one.reason))
        for p, several in drawn
        for one in several
        if one.reason
    ]
    slides = [one.slide(p.malignant) for p, one in whole]
    shown = {slide.patient for slide in slides}
    facts = {name_patient(recipe.seed, p.number): SplitFacts(p.record, p.malignant) for p in patients}
    split = draw_split({name: fact for name, fact in facts.items() if name in shown}, recipe.seed)
    write_file(
        root / "annotations.csv", make_table(ANNOTATION_COLUMNS, [one.annotation_row() for _, one in whole])
    )
    write_file(root / "truth.csv", make_table(TRUTH_COLUMNS, [one.truth_row(p) for p, one in whole]))
    write_file(root / "left-out.csv", make_left_out_table(left_out))
    text = make_report(split, slides, left_out, len(slides) + len(left_out), len(facts) - len(shown))
    write_file(root / "report.md", f"Drawn by scanside: no slide shows a patient.\n\n{text}".encode())
    finish_dataset(
        root,
        split,
        slides,
        kind="synthetic",
        name="synthetic cohort",
        split={"method": "by patient, stratified", "seed": recipe.seed, "share_test": TEST_SHARE},
        preparation=asdict(recipe),
    )
