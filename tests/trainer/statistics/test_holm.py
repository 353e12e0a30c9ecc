"""Holm's correction against a worked example and its definition."""

import numpy as np
import pytest

from trainer.statistics.holm import adjust_by_holm


def test_worked_example() -> None:
    # Four tests, as R's p.adjust(c(.01, .04, .03, .005), "holm") gives.
    assert adjust_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_rejections_are_those_of_the_step_down_procedure() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.random(8) ** 4
        rejected = np.zeros(8, dtype=bool)
        for step, index in enumerate(np.argsort(p)):
            if p[index] > 0.05 / (8 - step):
                break
            rejected[index] = True
        assert (adjust_by_holm(p) <= 0.05).tolist() == rejected.tolist()


def test_a_test_without_result_counts_in_the_family() -> None:
    adjusted = adjust_by_holm([0.02, np.nan, 0.04])
    assert adjusted[[0, 2]] == pytest.approx([0.06, 0.08]) and np.isnan(adjusted[1])
    assert adjust_by_holm([]).size == 0


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust_by_holm([0.5, 1.5])
