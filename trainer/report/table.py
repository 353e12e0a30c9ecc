"""An evaluation as rows of text: the same in the terminal, in Markdown and in HTML."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from trainer.report.printed import PrintedFigures, read_printed
from trainer.results.evaluation import CHOSEN, ArmRow, Evaluation
from trainer.statistics.estimate import Estimate

NAMES = {
    "iou": "IoU",
    "class_accuracy": "accuracy, all classes",
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "accuracy": "accuracy",
}


@dataclass(frozen=True)
class TextTable:
    """Cells of text under their column names; a cell may have several lines."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Footnotes:
    """Reasons why there is no interval, each written once and numbered."""

    reasons: list[str] = field(default_factory=list)

    def interval(self, estimate: Estimate) -> str:
        if not estimate.reason:
            return f"[{estimate.low:.3f}, {estimate.high:.3f}]"
        if estimate.reason not in self.reasons:
            self.reasons.append(estimate.reason)
        return f"no interval ({self.reasons.index(estimate.reason) + 1})"

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"({n}) No interval: {reason}." for n, reason in enumerate(self.reasons, start=1))


def make_figures_table(evaluation: Evaluation, title: str, *, paper: bool = True) -> TextTable:
    """Make a row for each arm: mean over seeds, spread, interval by patients, the thesis's figure."""
    mmotu = evaluation.rows[0].arm.dataset == "mmotu"
    names = ["iou", "class_accuracy", "auc"] if mmotu else ["iou", "auc", "accuracy"]
    if not mmotu:
        names += ["sensitivity", "specificity", "precision", "f1"]
    feet, notes, rows = _Footnotes(), [], []
    for row in evaluation.rows:
        label = evaluation.experiment.label(row.arm)
        theirs = PrintedFigures({}, "")
        if paper:
            theirs = read_printed().get((evaluation.experiment.name, row.arm.name), theirs)
        if theirs.note:
            notes.append(f"{label}: {theirs.note}.")
        cells = [_format_cell(row, name, CHOSEN, theirs.figures, feet) for name in names]
        rows.append((f"{label}\n{_format_count(row.seeds, 'seed')}", *cells))
    shown = [n for n in range(len(names)) if any(r[n + 1] for r in rows)]
    columns = ("arm", *(NAMES[names[n]] for n in shown))
    notes += [f"{evaluation.experiment.label(arm)}: {why}." for arm, why in evaluation.left_out.items()]
    return TextTable(
        title, columns, tuple((r[0], *(r[n + 1] for n in shown)) for r in rows), (*feet.notes, *notes)
    )


def make_decisions_table(evaluation: Evaluation) -> TextTable:
    """Make the table of decisions of every arm under every rule of the threshold."""
    names = ("accuracy", "sensitivity", "specificity", "precision", "f1")
    feet, rows = _Footnotes(), []
    for row in evaluation.rows:
        label = evaluation.experiment.label(row.arm)
        for rule in row.decisions:
            rows.append((label, rule, *(_format_cell(row, name, rule, {}, feet) for name in names)))
    columns = ("arm", "threshold", *(NAMES[name] for name in names))
    return TextTable(
        "Decisions, malignant against benign, by the rule of the threshold", columns, tuple(rows), feet.notes
    )


def make_calibration_table(evaluation: Evaluation) -> TextTable:
    """Make the table that shows how far the risk is a probability."""
    rows, feet = [], _Footnotes()
    for row in evaluation.rows:
        if c := row.calibration:
            brier = f"{format_number(c.brier.sampling.value)}\n{feet.interval(c.brier.sampling)}"
            cells = (format_number(c.error), brier, f"{c.temperature:.2f}", format_number(c.error_after))
            rows.append((evaluation.experiment.label(row.arm), *cells))
    columns = ("arm", "ECE", "Brier score", "temperature", "ECE with it")
    notes = ("Means over seeds. The temperature is fitted on validation slides.", *feet.notes)
    return TextTable("Calibration of the risk", columns, tuple(rows), notes)


def make_comparisons_table(evaluation: Evaluation) -> TextTable:
    """Make the table of the pairs named before the run, with Holm's correction over all of them."""
    columns = ("difference", "figure", "value", "95 % interval", "covers", "p", "p (Holm)")
    rows = []
    for comparison in evaluation.comparisons:
        d = comparison.difference
        shown = d.sampling if math.isnan(d.combined.low) else d.combined
        contrast, covers = comparison.contrast, comparison.covers
        value, p = (
            format_number(shown.value, sign=True),
            (format_probability(d.p), format_probability(comparison.p_holm)),
        )
        rows.append((contrast.name, NAMES[contrast.figure], value, format_interval(shown), covers, *p))
    return TextTable("Comparisons named before the run", columns, tuple(rows))


def make_confusion_table(evaluation: Evaluation) -> TextTable:
    """Make counts of slides for every arm, seed and rule of the threshold (thesis, A.9 and A.10)."""
    columns = ("arm", "threshold", "run", "value", "TP", "FN", "FP", "TN")
    rows = []
    for row in evaluation.rows:
        label = evaluation.experiment.label(row.arm)
        for rule, decisions in row.decisions.items():
            for run, (value, c) in enumerate(zip(decisions.threshold, decisions.confusion, strict=True), 1):
                counts = (c.true_positive, c.false_negative, c.false_positive, c.true_negative)
                rows.append((label, rule, str(run), f"{value:.3f}", *map(str, counts)))
    return TextTable("Confusion matrices, slides", columns, tuple(rows))


def format_number(value: float, *, sign: bool = False) -> str:
    """Format a figure with three digits, or as a dash where it is NaN."""
    return "-" if math.isnan(value) else f"{value:+.3f}" if sign else f"{value:.3f}"


def format_probability(value: float) -> str:
    """Format a p-value; it is never 0."""
    return "-" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def format_interval(estimate: Estimate) -> str:
    """Format an interval, or why there is none."""
    return f"none: {estimate.reason}" if estimate.reason else f"{estimate.low:.3f} to {estimate.high:.3f}"


def _format_cell(row: ArmRow, name: str, rule: str, theirs: Mapping[str, float], feet: _Footnotes) -> str:
    """Format ours and its spread, the interval, the paper's and the difference; a line each."""
    if name in row.figures:
        spread = row.figures[name]
        estimate, sd = spread.sampling, spread.seed_sd
    elif rule in row.decisions and name in row.decisions[rule].figures:
        estimate, sd = row.decisions[rule].figures[name], row.decision_sd[rule][name]
    else:
        return ""
    lines = [
        format_number(estimate.value) + ("" if math.isnan(sd) else f" ± {sd:.3f}"),
        feet.interval(estimate),
    ]
    paper = theirs.get("accuracy" if name == "class_accuracy" else name)
    if paper is not None:
        lines.append(f"paper {paper:.3f} ({format_number(estimate.value - paper, sign=True)})")
    return "\n".join(lines)


def _format_count(n: int, what: str) -> str:
    return f"{n} {what}" + ("s" if n != 1 else "")
