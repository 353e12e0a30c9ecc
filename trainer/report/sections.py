"""A table's arms as a section of the report, and as results/NAME.json for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scanside import RESEARCH_USE
from trainer.data import mmotu
from trainer.report import charts
from trainer.report.page import Section, write_json
from trainer.report.patient_table import make_patient_tests_table, make_patients_table
from trainer.report.table import (
    TextTable,
    make_calibration_table,
    make_comparisons_table,
    make_confusion_table,
    make_decisions_table,
    make_figures_table,
)
from trainer.results.arm_predictions import load_arm_predictions
from trainer.results.evaluation import ArmPredictions, Evaluation, evaluate, keep_slides
from trainer.runs.arm import Arm
from trainer.runs.examples import load_examples
from trainer.runs.experiment import Experiment
from trainer.runs.finished import FinishedRun

_BENIGN_MALIGNANT = ("benign", "malignant")
_SYNTHETIC = (
    "The hospital's data are a synthetic cohort: drawn by scanside, no patient's. Its figures show that the "
    "methods work; they say nothing about patients, and a difference from the thesis's figure means nothing."
)
_HOW = (
    "Mean over seeds ± their standard deviation; below it the 95 % interval by patients (of MMOTU, "
    "which names none, by examinations) and the thesis's figure with the difference. IoU is that of slides "
    "with a mask, if the settings do not say otherwise. Decisions are at the threshold chosen on validation "
    "slides."
)


def make_section(
    experiment: Experiment,
    done: Mapping[Arm, Sequence[FinishedRun]],
    left_out: Mapping[Arm, str],
    root: Path,
) -> Section:
    """Make tables, curves, and the examples of every arm's first seed; write results/NAME.json.

    Args:
        done: the experiment's finished trainings; at least one.
        left_out: arms that are not among them -> why.
    """
    predicted = {arm: [load_arm_predictions(run) for run in runs] for arm, runs in done.items()}
    evaluation = evaluate(experiment, predicted, left_out)
    tables = [make_figures_table(evaluation, experiment.title)]
    without = _make_table_without_leaks(experiment, predicted, done)
    if without:
        tables.append(without)
    if evaluation.comparisons:
        tables.append(make_comparisons_table(evaluation))
    tables += [
        table for table in (make_patients_table(evaluation), make_patient_tests_table(evaluation)) if table
    ]
    if any(row.decisions for row in evaluation.rows):
        tables += [
            make_decisions_table(evaluation),
            make_calibration_table(evaluation),
            make_confusion_table(evaluation),
        ]
    tables.append(_make_training_table(experiment, done))
    write_json(root / "results" / f"{experiment.name}.json", _make_results(evaluation, done))
    title = f"{experiment.name}: {experiment.title}"
    kinds = {run.made.data_kind for runs in done.values() for run in runs}
    notes = [*([_SYNTHETIC] if "synthetic" in kinds else []), _HOW]
    return Section(title, tables, _draw_pictures(evaluation, done), notes)


def _draw_pictures(
    evaluation: Evaluation, done: Mapping[Arm, Sequence[FinishedRun]]
) -> list[tuple[str, str | bytes]]:
    pictures: list[tuple[str, str | bytes]] = []
    if any(row.result.risk is not None for row in evaluation.rows):
        pictures.append(("Test slides; mean risk over seeds.", charts.draw_curves(evaluation)))
    label = evaluation.experiment.label
    logs = [(label(arm), runs[0].folder / "logs" / "metrics.csv") for arm, runs in done.items()]
    pictures.append(("First seed of each arm.", charts.draw_training(logs)))
    for arm, runs in done.items():
        classes = mmotu.CLASSES if arm.dataset == "mmotu" else _BENIGN_MALIGNANT
        examples = load_examples(runs[0].folder / "examples.npz")
        which = f"{label(arm)}, seed {runs[0].made.seed}"
        caption = (
            f"{which}: the surest right and wrong test slides, and the most doubtful ones. Green: the "
            "expert's outline; orange: the network's. Coloured: what speaks for the class it says (Grad-CAM)."
        )
        pictures.append((caption, charts.draw_sheet(examples, classes)))
    return pictures


def _make_table_without_leaks(
    experiment: Experiment,
    predicted: Mapping[Arm, Sequence[ArmPredictions]],
    done: Mapping[Arm, Sequence[FinishedRun]],
) -> TextTable | None:
    """Make figures of the official split without test images whose lesion is also in the training set."""
    leaks = {str(image) for image in mmotu.find_leaking(mmotu.read_split())}
    clean = {
        arm: [keep_slides(predictions, lambda name: name not in leaks) for predictions in seeds]
        for arm, seeds in predicted.items()
        if arm.dataset == "mmotu" and done[arm][0].made.configuration.input.split == "official"
    }
    if not clean:
        return None
    (arm, seeds), *_ = clean.items()
    left, all_of_it = len(seeds[0].test.names), len(predicted[arm][0].test.names)
    title = f"Official split without lesions that are also in training: {left} of {all_of_it} test images"
    return make_figures_table(evaluate(Experiment(experiment.name, title, tuple(clean)), clean, {}), title)


def _make_training_table(experiment: Experiment, done: Mapping[Arm, Sequence[FinishedRun]]) -> TextTable:
    """Make the table of what each arm was trained with."""
    rows = []
    for arm, runs in done.items():
        made = runs[0].made
        c = made.configuration
        size = (
            f"{c.input.cascade_side} x {c.input.cascade_side}"
            if arm.cascade
            else f"{c.input.height} x {c.input.width}"
        )
        start = [f"ImageNet ({made.weights})"] if made.weights != "none" else []
        start += [f"arm {slug}" for slug in made.builds_on]
        rows.append(
            (
                experiment.label(arm),
                ", ".join(str(run.made.seed) for run in runs),
                c.preset,
                f"{c.training.epochs}, batches of {c.training.batch}, {c.training.precision}",
                size,
                f"{c.optimiser.name}, {c.optimiser.lr:g}",
                ", ".join(start) or "random weights",
                f"{made.data_kind} {made.data_fingerprint[:12]}",
            )
        )
    columns = ("arm", "seeds", "preset", "epochs", "input, px", "optimiser, rate", "begins with", "data")
    return TextTable(
        "How the arms were trained", columns, tuple(rows), ("data: the fingerprint's beginning.",)
    )


def _make_results(evaluation: Evaluation, done: Mapping[Arm, Sequence[FinishedRun]]) -> dict[str, Any]:
    label = evaluation.experiment.label
    return {
        "experiment": evaluation.experiment.name,
        "research_use": RESEARCH_USE,
        "arms": {
            row.arm.slug: {
                "name": label(row.arm),
                "seeds": [run.made.seed for run in done[row.arm]],
                "made": _make_plain(done[row.arm][0].made),
                "figures": _make_plain(dict(row.figures)),
                "decisions": _make_plain(dict(row.decisions)),
                "calibration": _make_plain(row.calibration),
            }
            for row in evaluation.rows
        },
        "comparisons": _make_plain(list(evaluation.comparisons)),
        "left_out": {label(arm): why for arm, why in evaluation.left_out.items()},
    }


def _make_plain(value: Any) -> Any:
    """Make dataclasses tables, and NaN null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _make_plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _make_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_make_plain(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
