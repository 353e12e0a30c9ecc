"""Thresholds against scikit-learn's ROC curve, decisions against its counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from scanside.errors import InputError
from tests.trainer.statistics.test_figures import arm
from trainer.statistics.operating_point import (
    choose_at_sensitivity,
    choose_at_specificity,
    choose_by_youden,
    decide,
)

slides = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(malignant for malignant, _ in rows) < len(rows)
)


@given(slides, st.floats(0.01, 1))
@settings(max_examples=100, deadline=None)
def test_thresholds_are_the_best_points_of_the_roc_curve(rows: list[tuple[bool, int]], wanted: float) -> None:
    malignant = np.array([m for m, _ in rows])
    risk = np.array([r for _, r in rows]) / 12
    false, true, _ = roc_curve(malignant, risk, drop_intermediate=False)
    sensitive = choose_at_sensitivity(malignant, risk, wanted)
    assert sensitive.sensitivity >= wanted - 1e-9
    assert sensitive.specificity == pytest.approx((1 - false)[true >= wanted - 1e-9].max())
    specific = choose_at_specificity(malignant, risk, wanted)
    assert specific.specificity >= wanted - 1e-9
    assert specific.sensitivity == pytest.approx(true[1 - false >= wanted - 1e-9].max())
    best = choose_by_youden(malignant, risk)
    assert best.sensitivity + best.specificity - 1 == pytest.approx((true - false).max())


def test_what_a_point_says_is_what_its_threshold_does() -> None:
    a = arm(seeds=1)
    point = choose_at_sensitivity(a.malignant, a.risk[0], 0.9)
    called = a.risk[0] >= point.threshold
    assert point.sensitivity == called[a.malignant].mean() >= 0.9
    assert point.specificity == (~called)[~a.malignant].mean()
    assert (point.slides, point.rule) == (300, "sensitivity of at least 0.9")


def test_thresholds_lie_between_risks() -> None:
    malignant, risk = [0, 0, 1, 0, 1], [0.1, 0.2, 0.4, 0.6, 0.8]
    assert choose_at_sensitivity(malignant, risk, 0.5).threshold == pytest.approx(0.7)
    assert choose_at_sensitivity(malignant, risk, 1).threshold == pytest.approx(0.3)
    assert choose_at_specificity(malignant, risk, 0.6).threshold == pytest.approx(0.3)
    assert choose_by_youden(malignant, risk).threshold == pytest.approx(0.3)
    assert choose_at_sensitivity([1, 0], [0.1, 0.2], 1).threshold == 0.1


def test_no_threshold_spares_the_highest_risk_but_one_above_it() -> None:
    point = choose_at_specificity([1, 0], [0.1, 0.2], 1)
    assert (point.sensitivity, point.specificity) == (0, 1) and point.threshold > 0.2


@pytest.mark.parametrize(
    ("malignant", "risk", "wanted", "why"),
    [
        ([1, 1], [0.1, 0.2], 0.9, "only one class"),
        ([1, 0], [0.1, np.nan], 0.9, "no numbers"),
        ([1, 0], [0.1, 0.2], 1.1, "at most 1"),
        ([1, 0], [0.1, 0.2], 0.0, "above 0"),
    ],
)
def test_no_threshold_without_grounds(malignant, risk, wanted: float, why: str) -> None:
    for choose in (choose_at_sensitivity, choose_at_specificity):
        with pytest.raises(InputError, match=why):
            choose(malignant, risk, wanted)


def test_decisions_by_hand_and_their_figures() -> None:
    a = arm()
    decisions = decide(a)
    for called, c in zip(a.called(), decisions.confusion, strict=True):
        assert c.true_positive == (called & a.malignant).sum()
        assert c.false_positive == (called & ~a.malignant).sum()
        assert c.false_negative == (~called & a.malignant).sum()
        assert c.true_negative == (~called & ~a.malignant).sum()
    shares = [c.true_positive / (c.true_positive + c.false_negative) for c in decisions.confusion]
    sensitivity = decisions.figures["sensitivity"]
    assert sensitivity.value == pytest.approx(np.mean(shares))
    assert sensitivity.n == a.malignant.sum() and sensitivity.low < sensitivity.value < sensitivity.high
    assert decisions.threshold == (0.5, 0.2)
