"""DeLong's and McNemar's tests against published data and brute force."""

import numpy as np
import pytest
from scipy.stats import norm

from scanside.errors import InputError
from trainer.statistics.independent import compare_by_delong, compare_by_mcnemar


def hanley() -> tuple[np.ndarray, np.ndarray]:
    """109 CT scans rated 1 to 5 (Hanley and McNeil, Radiology 1982, table I)."""
    normal, abnormal = np.repeat(range(1, 6), [33, 6, 6, 11, 2]), np.repeat(range(1, 6), [3, 2, 2, 11, 33])
    return np.arange(109) >= 58, np.concatenate([normal, abnormal]).astype(float)


def test_area_and_error_of_hanley_and_mcneils_scans() -> None:
    malignant, rating = hanley()
    area = compare_by_delong(malignant, rating, rating, np.arange(109)).auc_a
    # The paper prints .893. Stata's roctab prints, with DeLong's error .0307, [.83295, .95339].
    assert round(area.value, 3) == 0.893
    assert (round(area.low, 5), round(area.high, 5)) == (0.83295, 0.95339)


def test_covariance_is_the_sum_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(60) < 0.4
    a, b = np.round(rng.normal(y, 1, (2, 60)), 1) + 0.5 * rng.normal(0, 1, 60).round(1)
    psi = [(r[y][:, None] > r[~y]) + 0.5 * (r[y][:, None] == r[~y]) for r in (a, b)]
    apart = psi[1] - psi[0]
    of_malignant, of_benign = apart.mean(axis=1), apart.mean(axis=0)
    variance = of_malignant.var(ddof=1) / y.sum() + of_benign.var(ddof=1) / (~y).sum()
    result = compare_by_delong(y, a, b, np.arange(60))
    assert result.difference.value == pytest.approx(apart.mean())
    assert result.p == pytest.approx(2 * norm.sf(abs(apart.mean()) / variance**0.5))


def test_arms_that_order_alike_have_no_p_value() -> None:
    malignant, rating = hanley()
    result = compare_by_delong(malignant, rating, 3 * rating + 1, np.arange(109))
    assert np.isnan(result.p) and "alike" in result.difference.reason


def test_perfect_separation_has_no_interval() -> None:
    area = compare_by_delong([0, 0, 1, 1], [1, 2, 3, 4], [1, 3, 2, 4], range(4)).auc_a
    assert area.value == 1 and np.isnan(area.low) and area.reason


def test_mcnemar_is_the_binomial_of_those_that_differ() -> None:
    # 1 against 9 patients: 2 * (1 + 10) / 2^10, by hand.
    a = np.array([True] * 1 + [False] * 9 + [True] * 30)
    b = np.array([False] * 1 + [True] * 9 + [True] * 30)
    assert compare_by_mcnemar(a, b, np.arange(40)) == pytest.approx(2 * 11 / 1024)
    assert compare_by_mcnemar(a, a, np.arange(40)) == 1


@pytest.mark.parametrize(
    "test",
    [lambda p: compare_by_mcnemar([1, 0], [1, 1], p), lambda p: compare_by_delong([1, 0], [1, 0], [1, 0], p)],
)
def test_several_results_of_a_patient_are_refused(test) -> None:
    with pytest.raises(InputError, match="one result per patient"):
        test(["a", "a"])


def test_what_can_not_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="no numbers"):
        compare_by_delong([1, 1, 0, 0], [1, 2, np.nan, 4], [1, 2, 3, 4], range(4))
    with pytest.raises(InputError, match="at least 2"):
        compare_by_delong([1, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 4], range(4))
