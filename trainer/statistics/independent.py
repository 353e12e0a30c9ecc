"""DeLong's and McNemar's tests: for one result per patient, and for nothing else.

Both take cases as independent. Several slides of one patient are not, and with them both find differences
that are not there; `paired` is for those.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, rankdata

from scanside.errors import InputError
from trainer.statistics.estimate import Estimate


@dataclass(frozen=True)
class DeLong:
    """Areas under two ROC curves on the same patients.

    Attributes:
        difference: B less A, with its 95 % interval.
        p: two-sided; NaN where both order the patients alike.
    """

    auc_a: Estimate
    auc_b: Estimate
    difference: Estimate
    p: float


def compare_by_delong(
    malignant: ArrayLike, risk_a: ArrayLike, risk_b: ArrayLike, patient: ArrayLike
) -> DeLong:
    """Compare two correlated areas (DeLong et al., Biometrics 1988), by ranks (Sun and Xu, IEEE SPL 2014).

    Args:
        malignant, risk_a, risk_b, patient: (patients,) each, one result per patient.

    Raises:
        InputError: a patient has several results, a risk is NaN, or a class has fewer than 2 patients.
    """
    y = np.asarray(malignant, dtype=bool)
    risks = np.stack([np.asarray(risk, dtype=np.float64) for risk in (risk_a, risk_b)])
    _check_one_each(patient, "DeLong's test")
    if not np.isfinite(risks).all():
        raise InputError("DeLong's test: some risks are no numbers; evaluate the arm again")
    if min(y.sum(), (~y).sum()) < 2:
        raise InputError("DeLong's test needs at least 2 malignant and 2 benign patients")
    # Each patient's share of the area: how many of the other class it is ordered rightly against.
    m, n = int(y.sum()), int((~y).sum())
    ranks = rankdata(risks, axis=1)
    of_malignant = (ranks[:, y] - rankdata(risks[:, y], axis=1)) / n
    of_benign = 1 - (ranks[:, ~y] - rankdata(risks[:, ~y], axis=1)) / m
    areas = of_malignant.mean(axis=1)
    covariance: NDArray[np.float64] = np.cov(of_malignant) / m + np.cov(of_benign) / n
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    apart = float(areas[1] - areas[0])
    if variance <= 1e-18:
        alike = Estimate(apart, np.nan, np.nan, len(y), "both order the patients alike")
        return DeLong(
            _make_delong(areas[0], covariance[0, 0], y),
            _make_delong(areas[1], covariance[1, 1], y),
            alike,
            np.nan,
        )
    return DeLong(
        _make_delong(areas[0], covariance[0, 0], y),
        _make_delong(areas[1], covariance[1, 1], y),
        _make_delong(apart, variance, y),
        float(2 * norm.sf(abs(apart) / variance**0.5)),
    )


def compare_by_mcnemar(right_a: ArrayLike, right_b: ArrayLike, patient: ArrayLike) -> float:
    """Compute the two-sided exact p that two arms are right equally often (McNemar 1947, Psychometrika).

    Args:
        right_a, right_b, patient: (patients,) each, one result per patient.

    Raises:
        InputError: a patient has several results.
    """
    a, b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    _check_one_each(patient, "McNemar's test")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)


def _check_one_each(patient: ArrayLike, test: str) -> None:
    labels = np.asarray(patient)
    several = len(labels) - len(np.unique(labels))
    if several:
        raise InputError(
            f"{test} takes one result per patient, and {several} results are of patients who have one "
            "already: aggregate by patient first, or use the test that draws patients"
        )


def _make_delong(value: float, variance: float, cases: NDArray[np.bool_]) -> Estimate:
    if variance <= 0:
        return Estimate(float(value), np.nan, np.nan, len(cases), "the classes do not overlap")
    half = float(norm.ppf(0.975)) * float(variance) ** 0.5
    return Estimate(float(value), float(value) - half, float(value) + half, len(cases))
