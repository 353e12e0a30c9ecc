"""Predictions of an experiment's arms -> its rows: figures with intervals, decisions, comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data import mmotu
from trainer.experiments.arm import Arm
from trainer.experiments.catalogue import Experiment
from trainer.predictions import Predictions
from trainer.statistics.arm import ArmResult, figure_of
from trainer.statistics.calibration import expected_calibration_error
from trainer.statistics.operating_point import Decisions, decide, youden
from trainer.statistics.paired import Comparison, Contrast, compare
from trainer.statistics.seeds import Spread, spread

FIXED_THRESHOLDS = (0.5, 0.2)  # which of them a table of the thesis used is unknown


@dataclass(frozen=True)
class Row:
    """One arm of a table.

    Attributes:
        figures: "auc", "iou", "class_accuracy": those that the arm has.
        decisions: by the rule of the threshold; empty for an arm that only segments.
        calibration_error: of the risk, mean over seeds; NaN for an arm that only segments.
        result: what the figures are computed from.
    """

    arm: Arm
    figures: Mapping[str, Spread]
    decisions: Mapping[str, Decisions]
    calibration_error: float
    result: ArmResult


@dataclass(frozen=True)
class Evaluation:
    """An experiment's result; `left_out` names the arms that were not run, with the reason."""

    experiment: Experiment
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    left_out: Mapping[str, str]


def evaluate(
    experiment: Experiment,
    predictions: Mapping[Arm, Sequence[tuple[Predictions, Predictions]]],
    left_out: Mapping[str, str],
) -> Evaluation:
    """Turn predictions into figures.

    Args:
        predictions: by arm, one (validation, test) for each seed.
        left_out: name of an arm that was not run -> why.
    """
    rows = tuple(row(arm, predictions[arm]) for arm in experiment.arms if arm in predictions)
    results = {r.arm.slug: r.result for r in rows}
    contrasts = [
        Contrast(f"{pair.first.name} - {pair.second.name}", pair.second.slug, pair.first.slug, pair.figure)
        for pair in experiment.pairs
        if pair.first.slug in results and pair.second.slug in results
    ]
    return Evaluation(experiment, rows, compare(contrasts, results), left_out)


def row(arm: Arm, seeds: Sequence[tuple[Predictions, Predictions]]) -> Row:
    """The figures of one arm over its seeds."""
    tests = [test for _, test in seeds]
    first = tests[0]
    malignant = is_malignant(arm, first.labels)
    classifies, segments = arm.task != "seg", arm.task != "cls"
    risk = np.stack([risk_of(arm, test) for test in tests]) if classifies else None
    iou = np.stack([np.where(test.has_mask, test.iou, np.nan) for test in tests]) if segments else None
    right = np.stack([test.probabilities.argmax(1) == test.labels for test in tests]) if classifies else None
    chosen = [
        youden(is_malignant(arm, validation.labels), risk_of(arm, validation)).threshold
        for validation, _ in seeds
        if classifies
    ]
    result = ArmResult(malignant, first.patients, risk, np.array(chosen) if classifies else None, iou, right)
    names = ["auc", "class_accuracy"] * classifies + ["iou"] * segments
    decisions = {}
    if classifies:
        decisions["chosen on validation"] = decide(result)
        for threshold in FIXED_THRESHOLDS:
            fixed = np.full(len(tests), threshold)
            decisions[f"at {threshold:g}"] = decide(ArmResult(malignant, first.patients, risk, fixed))
    error = (
        float("nan")
        if risk is None
        else float(np.mean([expected_calibration_error(malignant, of_seed) for of_seed in risk]))
    )
    return Row(arm, {name: spread(figure_of(result, name)) for name in names}, decisions, error, result)


def is_malignant(arm: Arm, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,): the malignant class of the arm's data set."""
    return np.asarray(labels == (mmotu.MALIGNANT if arm.dataset == "mmotu" else 1), bool)


def risk_of(arm: Arm, predictions: Predictions) -> NDArray[np.float64]:
    """(N,): probability of malignancy."""
    column = mmotu.MALIGNANT if arm.dataset == "mmotu" else 1
    return predictions.probabilities[:, column].astype(np.float64)
