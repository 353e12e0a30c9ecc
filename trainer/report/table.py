"""An evaluation as rows of text: the same in the terminal, in Markdown and in HTML."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.experiments.catalogue import Printed, printed
from trainer.experiments.evaluation import Evaluation, Row
from trainer.statistics.estimate import Estimate

NAMES = {
    "auc": "AUC, malignant against benign",
    "iou": "IoU on slides with a mask",
    "class_accuracy": "accuracy over all classes",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "accuracy": "accuracy",
}


@dataclass(frozen=True)
class TextTable:
    """Cells of text under their column names."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def figures_table(evaluation: Evaluation) -> TextTable:
    """Every arm and figure: paper, ours with its interval by patients, spread over seeds, difference."""
    columns = ("arm", "figure", "paper", "ours", "95 % interval", "SD over seeds", "ours - paper")
    rows, notes = [], []
    for row in evaluation.rows:
        paper = printed().get((evaluation.experiment.name, row.arm.name), Printed({}, ""))
        if paper.note:
            notes.append(f"{row.arm.name}: {paper.note}.")
        for name, estimate, sd in _figures(row):
            theirs = paper.figures.get(_paper_name(row, name))
            rows.append(
                (
                    row.arm.label,
                    NAMES[name.partition(",")[0]] + name.partition(",")[2],
                    "" if theirs is None else f"{theirs:.3f}",
                    number(estimate.value),
                    interval(estimate),
                    number(sd),
                    "" if theirs is None else f"{estimate.value - theirs:+.3f}",
                )
            )
    notes += [f"{name} was not run: {why}." for name, why in evaluation.left_out.items()]
    return TextTable(evaluation.experiment.title, columns, tuple(rows), tuple(notes))


def comparisons_table(evaluation: Evaluation) -> TextTable:
    """The pairs named before the run, with Holm's correction over all of them."""
    columns = ("difference", "figure", "value", "95 % interval", "covers", "p", "p (Holm)")
    rows = []
    for comparison in evaluation.comparisons:
        d = comparison.difference
        shown = d.sampling if math.isnan(d.combined.low) else d.combined
        rows.append(
            (
                comparison.contrast.name,
                NAMES[comparison.contrast.figure],
                number(shown.value, sign=True),
                interval(shown),
                comparison.covers,
                number(d.p),
                number(comparison.p_holm),
            )
        )
    return TextTable("Comparisons named before the run", columns, tuple(rows))


def confusion_table(evaluation: Evaluation) -> TextTable:
    """Counts of slides for every arm, seed and rule of the threshold."""
    columns = ("arm", "threshold", "seed", "value", "TP", "FN", "FP", "TN")
    rows = []
    for row in evaluation.rows:
        for rule, decisions in row.decisions.items():
            for seed, (threshold, c) in enumerate(zip(decisions.threshold, decisions.confusion, strict=True)):
                counts = (c.true_positive, c.false_negative, c.false_positive, c.true_negative)
                rows.append((row.arm.label, rule, str(seed + 1), f"{threshold:.3f}", *map(str, counts)))
    return TextTable("Confusion matrices", columns, tuple(rows))


def number(value: float, *, sign: bool = False) -> str:
    """Three digits; nothing where there is no number."""
    return "" if math.isnan(value) else f"{value:+.3f}" if sign else f"{value:.3f}"


def interval(estimate: Estimate) -> str:
    """An interval, or why there is none."""
    return f"none: {estimate.reason}" if estimate.reason else f"{estimate.low:.3f} to {estimate.high:.3f}"


def _figures(row: Row) -> Iterator[tuple[str, Estimate, float]]:
    """(name, and the threshold's rule behind a comma; estimate; spread over seeds)."""
    for name, spread in row.figures.items():
        yield name, spread.sampling, spread.seed_sd
    for rule, decisions in row.decisions.items():
        for name, estimate in decisions.figures.items():
            yield f"{name}, threshold {rule}", estimate, float("nan")


def _paper_name(row: Row, name: str) -> str:
    """The thesis's name of a figure; its decisions are held against those at the chosen threshold."""
    plain, _, rule = name.partition(",")
    if plain == "class_accuracy":
        return "accuracy" if row.arm.dataset == "mmotu" else ""
    if rule and (row.arm.dataset == "mmotu" or "chosen" not in rule):
        return ""
    return plain
