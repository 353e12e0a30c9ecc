"""Figures of hand-made predictions, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.results.evaluation import CHOSEN, ArmPredictions, evaluate, keep_slides, make_row
from trainer.runs.arm import Arm
from trainer.runs.experiment import ArmPair, Experiment
from trainer.runs.predictions import Predictions
from trainer.settings.configuration import EvaluationSettings as Settings

MTL = Arm("hospital", "original", "efficientnet", "mtl")
SEG, CLS = replace(MTL, task="seg"), replace(MTL, task="cls")


def predictions(risk: list[float], labels: list[int], iou: list[float] | None = None) -> Predictions:
    n = len(risk)
    named = np.array([f"s{i}" for i in range(n)])
    probabilities = np.stack([1 - np.array(risk), np.array(risk)], axis=1).astype(np.float32)
    has_mask = np.arange(n) != 0
    return Predictions(
        named, named, np.array(labels), probabilities, np.array(iou or [np.nan] * n, np.float32), has_mask
    )


VALIDATION = predictions([0.1, 0.3, 0.6, 0.9], [0, 0, 1, 1])
TEST = predictions([0.1, 0.51, 0.4, 0.9], [0, 0, 1, 1], [1.0, 0.2, 0.4, 0.6])


def test_figures_are_what_counting_gives() -> None:
    found = make_row(MTL, [ArmPredictions(VALIDATION, TEST, Settings())])
    assert found.figures["auc"].by_seed == (0.75,)
    assert found.figures["class_accuracy"].by_seed == (0.5,)
    assert found.figures["iou"].by_seed == pytest.approx((0.4,)), "the slide without a mask does not count"
    chosen = found.decisions[CHOSEN]
    assert chosen.threshold == pytest.approx((0.45,)), "halfway between .3 and .6 of the validation slides"
    (c,) = chosen.confusion
    assert (c.true_positive, c.false_negative, c.false_positive, c.true_negative) == (1, 1, 1, 1)
    assert list(found.decisions) == [CHOSEN, "at 0.5", "at 0.2"]


def test_settings_of_the_evaluation_are_heeded() -> None:
    settings = Settings(iou_on="all slides in mtl", thresholds=(0.95,))
    found = make_row(MTL, [ArmPredictions(VALIDATION, TEST, settings)])
    assert found.figures["iou"].by_seed == pytest.approx((0.55,)), "a missing mask counts as empty"
    assert list(found.decisions) == [CHOSEN, "at 0.95"]
    single = make_row(SEG, [ArmPredictions(VALIDATION, TEST, settings)])
    assert single.figures["iou"].by_seed == pytest.approx((0.4,)), "a single task is tested on masks alone"
    assert single.decisions == {} and single.calibration is None


def test_seeds_are_averaged_and_their_spread_is_shown() -> None:
    worse = predictions([0.9, 0.51, 0.4, 0.1], [0, 0, 1, 1])
    found = make_row(
        CLS, [ArmPredictions(VALIDATION, TEST, Settings()), ArmPredictions(VALIDATION, worse, Settings())]
    )
    assert found.seeds == 2 and found.figures["auc"].by_seed == (0.75, 0.0)
    assert found.figures["auc"].sampling.value == 0.375
    # .45 finds one of two malignant slides with the first network, none with the second
    assert found.decision_sd[CHOSEN]["sensitivity"] == pytest.approx(np.std([0.5, 0.0], ddof=1))
    assert found.figures["auc"].seed_sd == pytest.approx(np.std([0.75, 0.0], ddof=1))


def test_no_threshold_is_chosen_on_one_class_alone() -> None:
    one_class = predictions([0.1, 0.2], [0, 0])
    found = make_row(CLS, [ArmPredictions(one_class, TEST, Settings())])
    assert list(found.decisions) == ["at 0.5", "at 0.2"]


def test_contrasts_are_those_that_were_named_and_whose_arms_are_there() -> None:
    experiment = Experiment("x", "X", (SEG, CLS, MTL), (ArmPair(MTL, SEG, "iou"), ArmPair(MTL, CLS, "auc")))
    one = ArmPredictions(VALIDATION, TEST, Settings(iou_on="all slides in mtl"))
    found = evaluate(experiment, {MTL: [one], SEG: [one]}, {CLS: "not trained yet"})
    (comparison,) = found.comparisons
    assert comparison.contrast.figure == "iou" and comparison.difference.sampling.value == 0
    assert [r.arm for r in found.rows] == [SEG, MTL] and found.left_out == {CLS: "not trained yet"}


def test_slides_can_be_left_out() -> None:
    left = keep_slides(ArmPredictions(VALIDATION, TEST, Settings()), lambda name: name != "s1")
    assert list(left.test.names) == ["s0", "s2", "s3"]
    assert make_row(MTL, [left]).figures["auc"].by_seed == (1.0,)
