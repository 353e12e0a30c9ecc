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
from trainer.prepare.dataset import TEST_SHARE, Facts, draw_split, finish, table
from trainer.prepare.instance import LeftOut
from trainer.prepare.pool import run_all
from trainer.prepare.report import Missing, left_out_table, report
from trainer.synth.patients import SynthPatient, draw_patients, patient_name
from trainer.synth.recipe import Recipe
from trainer.synth.write import ANNOTATION_COLUMNS, TRUTH_COLUMNS, read_drawn, record_path, write_patient

_RECIPE = "recipe.json"  # there from the start: a broken-off cohort goes on only with the same recipe


def write_cohort(root: Path, recipe: Recipe, jobs: int) -> Cohort:
    """Write the cohort of `recipe` to `root`, or go on with it where it was broken off.

    Args:
        jobs: how many processes draw.

    Raises:
        InputError: `root` holds something else, a cohort of another recipe, or can't be written to.
        ScansideError: a drawing process died.
    """
    _claim(root, recipe)
    if not (root / "dataset.json").exists():
        patients = draw_patients(recipe)
        _draw(root, recipe, patients, jobs)
        _finish(root, recipe, patients)
    return read_dataset(root)


def _claim(root: Path, recipe: Recipe) -> None:
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


def _draw(root: Path, recipe: Recipe, patients: Sequence[SynthPatient], jobs: int) -> None:
    todo = [patient for patient in patients if not record_path(root, recipe, patient).exists()]
    if todo:
        draw = partial(write_patient, root, recipe)
        for patient, done in track(run_all(draw, todo, jobs), "drawing patients", total=len(todo)):
            if done is None:
                raise ScansideError(f"drawing patient {patient.number} ended its process. Is memory short?")


def _finish(root: Path, recipe: Recipe, patients: Sequence[SynthPatient]) -> None:
    """Write the tables; the last of them makes the folder a dataset."""
    drawn = [(patient, read_drawn(root, recipe, patient)) for patient in patients]
    whole = [(patient, one) for patient, several in drawn for one in several if one.reason == ""]
    left_out = [
        Missing(p.number + 1, Path(one.name), LeftOut("slide", 0, one.reason))
        for p, several in drawn
        for one in several
        if one.reason
    ]
    slides = [one.slide(p.malignant) for p, one in whole]
    shown = {slide.patient for slide in slides}
    facts = {patient_name(recipe.seed, p.number): Facts(p.record, p.malignant) for p in patients}
    split = draw_split({name: fact for name, fact in facts.items() if name in shown}, recipe.seed)
    write_file(
        root / "annotations.csv", table(ANNOTATION_COLUMNS, [one.annotation_row() for _, one in whole])
    )
    write_file(root / "truth.csv", table(TRUTH_COLUMNS, [one.truth_row(p) for p, one in whole]))
    write_file(root / "left-out.csv", left_out_table(left_out))
    text = report(split, slides, left_out, len(slides) + len(left_out), len(facts) - len(shown))
    write_file(root / "report.md", f"Drawn by scanside: no slide shows a patient.\n\n{text}".encode())
    finish(
        root,
        split,
        slides,
        kind="synthetic",
        name="synthetic cohort",
        split={"method": "by patient, stratified", "seed": recipe.seed, "share_test": TEST_SHARE},
        preparation=asdict(recipe),
    )
