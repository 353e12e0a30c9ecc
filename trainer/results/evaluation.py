"""Predictions of an experiment's arms -> its rows: figures with intervals, decisions, comparisons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data import mmotu
from trainer.runs.arm import Arm
from trainer.runs.experiment import Experiment
from trainer.runs.predictions import Predictions
from trainer.settings.configuration import EvaluationSettings as Settings
from trainer.statistics.arm import DECISION_FIGURES, ArmResult, make_figure
from trainer.statistics.calibration import compute_calibration_error, fit_temperature
from trainer.statistics.operating_point import Decisions, choose_by_youden, decide
from trainer.statistics.paired import Comparison, Contrast, compare
from trainer.statistics.seeds import Spread, estimate_spread

CHOSEN = "chosen on validation"


@dataclass(frozen=True)
class ArmPredictions:
    """One training of an arm, as the statistics see it."""

    validation: Predictions
    test: Predictions
    settings: Settings


@dataclass(frozen=True)
class Calibration:
    """How far the risk is a probability; means over seeds.

    Attributes:
        error: expected calibration error as trained.
        temperature: the divisor of the logits that fits the validation slides best.
        error_after: expected calibration error with it.
        brier: mean squared error of the risk as trained.
    """

    error: float
    temperature: float
    error_after: float
    brier: Spread


@dataclass(frozen=True)
class ArmRow:
    """One arm of a table.

    Attributes:
        seeds: how many.
        figures: "auc", "iou", "class_accuracy": those that the arm has.
        decisions: by the rule of the threshold; empty for an arm that only segments. CHOSEN is missing
            where the validation part has one class alone.
        decision_sd: standard deviation over seeds of each of their figures; NaN with one seed.
        calibration: None for an arm that only segments.
        result: what the figures are computed from; its IoU is that of slides with a mask.
    """

    arm: Arm
    seeds: int
    figures: Mapping[str, Spread]
    decisions: Mapping[str, Decisions]
    decision_sd: Mapping[str, Mapping[str, float]]
    calibration: Calibration | None
    result: ArmResult


@dataclass(frozen=True)
class Evaluation:
    """An experiment's result; `left_out` names the arms that were not run, with the reason."""

    experiment: Experiment
    rows: tuple[ArmRow, ...]
    comparisons: tuple[Comparison, ...]
    left_out: Mapping[Arm, str]


def evaluate(
    experiment: Experiment, tested: Mapping[Arm, Sequence[ArmPredictions]], left_out: Mapping[Arm, str]
) -> Evaluation:
    """Turn predictions into figures.

    Args:
        tested: by arm, one for each seed.
        left_out: arm that was not run -> why.
    """
    rows = tuple(make_row(arm, tested[arm]) for arm in experiment.arms if arm in tested)
    results = {r.arm.slug: r.result for r in rows}
    contrasts = [
        Contrast(
            f"{experiment.label(pair.first)} - {experiment.label(pair.second)}",
            pair.second.slug,
            pair.first.slug,
            pair.figure,
        )
        for pair in experiment.pairs
        if pair.first.slug in results and pair.second.slug in results
    ]
    return Evaluation(experiment, rows, compare(contrasts, results), left_out)


def make_row(arm: Arm, seeds: Sequence[ArmPredictions]) -> ArmRow:
    """Make the figures of one arm over its seeds."""
    tests = [predictions.test for predictions in seeds]
    first = tests[0]
    malignant = is_malignant(arm, first.labels)
    classifies, segments = arm.task != "seg", arm.task != "cls"
    iou = np.stack([np.where(test.has_mask, test.iou, np.nan) for test in tests]) if segments else None
    risk = right = chosen = None
    if classifies:
        risk = np.stack([take_risk(arm, test) for test in tests])
        right = np.stack([test.probabilities.argmax(1) == test.labels for test in tests])
        chosen = _choose_thresholds(arm, [predictions.validation for predictions in seeds])
    result = ArmResult(malignant, first.patients, risk, chosen, iou, right)
    figures = {
        name: estimate_spread(make_figure(result, name)) for name in ["auc", "class_accuracy"] * classifies
    }
    if iou is not None:
        everywhere = arm.task == "mtl" and seeds[0].settings.iou_on == "all slides in mtl"
        shown = np.stack([test.iou for test in tests]).astype(np.float64) if everywhere else iou
        figures["iou"] = estimate_spread(make_figure(ArmResult(malignant, first.patients, iou=shown), "iou"))
    decided = {} if chosen is None else {CHOSEN: result}
    if classifies:
        for threshold in seeds[0].settings.thresholds:
            fixed = np.full(len(tests), threshold)
            decided[f"at {threshold:g}"] = ArmResult(malignant, first.patients, risk, fixed)
    decisions = {rule: decide(predictions) for rule, predictions in decided.items()}
    decision_sd = {rule: _measure_seed_sd(predictions) for rule, predictions in decided.items()}
    calibration = _measure_calibration(arm, seeds, result) if classifies else None
    return ArmRow(arm, len(seeds), figures, decisions, decision_sd, calibration, result)


def _measure_seed_sd(result: ArmResult) -> dict[str, float]:
    by_seed = {name: make_figure(result, name).by_seed for name in DECISION_FIGURES}
    return {name: float(v.std(ddof=1)) if len(v) > 1 else float("nan") for name, v in by_seed.items()}


def keep_slides(predictions: ArmPredictions, keep: Callable[[str], bool]) -> ArmPredictions:
    """Keep those test slides of a training whose name `keep` accepts."""
    rows = np.array([keep(str(name)) for name in predictions.test.names], bool)
    test = Predictions(**{name: column[rows] for name, column in vars(predictions.test).items()})
    return ArmPredictions(predictions.validation, test, predictions.settings)


def is_malignant(arm: Arm, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which slides are of the malignant class of the arm's data set, (N,)."""
    return np.asarray(labels == _choose_malignant_class(arm), bool)


def take_risk(arm: Arm, predictions: Predictions) -> NDArray[np.float64]:
    """Take the probability of malignancy, (N,)."""
    return predictions.probabilities[:, _choose_malignant_class(arm)].astype(np.float64)


def _choose_malignant_class(arm: Arm) -> int:
    return mmotu.MALIGNANT if arm.dataset == "mmotu" else 1


def _choose_thresholds(arm: Arm, validations: Sequence[Predictions]) -> NDArray[np.float64] | None:
    """Choose thresholds on validation, (seeds,); None where that part has one class alone."""
    truths = [is_malignant(arm, validation.labels) for validation in validations]
    if any(truth.all() or not truth.any() for truth in truths):
        return None
    risks = [take_risk(arm, validation) for validation in validations]
    return np.array([choose_by_youden(y, r).threshold for y, r in zip(truths, risks, strict=True)])


def _measure_calibration(arm: Arm, seeds: Sequence[ArmPredictions], result: ArmResult) -> Calibration:
    before, temperatures, after = [], [], []
    for predictions in seeds:
        logits, held_out = _recover_logits(predictions.test), _recover_logits(predictions.validation)
        t = fit_temperature(held_out, predictions.validation.labels)
        cooled = np.exp(logits / t)
        cooled /= cooled.sum(axis=1, keepdims=True)
        temperatures.append(t)
        before.append(compute_calibration_error(result.malignant, take_risk(arm, predictions.test)))
        after.append(compute_calibration_error(result.malignant, cooled[:, _choose_malignant_class(arm)]))
    brier = estimate_spread(make_figure(result, "brier"))
    return Calibration(float(np.mean(before)), float(np.mean(temperatures)), float(np.mean(after)), brier)


def _recover_logits(predictions: Predictions) -> NDArray[np.float64]:
    """Recover the logits up to a constant for each slide, which the softmax does not see."""
    return np.asarray(np.log(predictions.probabilities.astype(np.float64).clip(1e-30)), np.float64)
