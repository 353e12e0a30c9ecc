"""Intervals against SciPy's bootstrap, Obuchowski's variance of clustered areas, and by coverage."""

import numpy as np
import pytest
import scipy.stats

from trainer.statistics.bootstrap import compute_bca_interval, draw_patients, estimate, expand_quantiles
from trainer.statistics.figures import make_auc_figure, make_mean_figure
from trainer.statistics.power import SimulatedTrial, simulate


def obuchowski(malignant: np.ndarray, risk: np.ndarray, patient: np.ndarray) -> float:
    """Variance of a clustered area (Obuchowski, Biometrics 1997), written as the paper sums it."""
    psi = (risk[malignant][:, None] > risk[~malignant]) + 0.5 * (risk[malignant][:, None] == risk[~malignant])
    area, m, n = psi.mean(), malignant.sum(), (~malignant).sum()
    x, y = psi.mean(axis=1), psi.mean(axis=0)
    s10 = s01 = s11 = 0.0
    patients = np.unique(patient)
    for p in patients:
        of_x, of_y = x[patient[malignant] == p], y[patient[~malignant] == p]
        tx, ty = (of_x - area).sum(), (of_y - area).sum()
        s10, s01, s11 = s10 + tx**2, s01 + ty**2, s11 + tx * ty
    a = len(patients)
    with_m = len(np.unique(patient[malignant]))
    with_n = len(np.unique(patient[~malignant]))
    s10 *= with_m / ((with_m - 1) * m)
    s01 *= with_n / ((with_n - 1) * n)
    s11 *= a / (a - 1)
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def test_bca_is_scipys_on_the_same_draws() -> None:
    sample = np.random.default_rng(0).exponential(size=40)
    theirs = scipy.stats.bootstrap((sample,), np.mean, method="BCa", rng=np.random.default_rng(1))
    left_out = (sample.sum() - sample) / 39
    ours = compute_bca_interval(
        theirs.bootstrap_distribution, sample.mean(), left_out, expand_quantiles(np.inf)
    )
    assert ours == pytest.approx(theirs.confidence_interval, rel=1e-9)


def test_a_figure_beyond_all_its_draws_still_has_an_interval() -> None:
    low, high = compute_bca_interval(
        np.linspace(0, 1, 200), 1.5, np.linspace(1.4, 1.5, 30), expand_quantiles(30)
    )
    assert 0.5 < low <= high <= 1


def test_whole_estimates_are_scipys_within_the_error_of_drawing() -> None:
    sample = np.random.default_rng(0).exponential(size=80)
    for method in ("bca", "percentile"):
        theirs = scipy.stats.bootstrap((sample,), np.mean, method=method.replace("bca", "BCa"), rng=0)
        ours = estimate(make_mean_figure(sample), method, repeats=10_000)
        assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02)
        assert (ours.value, ours.n) == (pytest.approx(sample.mean()), 80)


def test_spread_of_draws_is_obuchowskis_for_clustered_slides() -> None:
    arm, _ = simulate(SimulatedTrial(patients=300, seeds=1), np.random.default_rng(0))
    # Mixed patients too: every tenth slide changes its class.
    malignant = arm.malignant ^ (np.arange(len(arm.malignant)) % 10 == 0)
    figure = make_auc_figure(malignant, arm.risk, arm.patient)
    error = figure.of(draw_patients(300, 4000))[0].std()
    assert error == pytest.approx(obuchowski(malignant, arm.risk[0], arm.patient) ** 0.5, rel=0.05)


def test_every_patient_is_drawn_as_often_and_strata_are_kept() -> None:
    weights = draw_patients(30, 4000)
    assert (weights.sum(axis=1) == 30).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(30), abs=0.08)
    strata = np.arange(30) < 6
    assert (draw_patients(30, 50, strata=strata)[:, :6].sum(axis=1) == 6).all()


def test_slides_copied_within_patients_add_no_certainty() -> None:
    values = np.random.default_rng(0).random(40)
    once = estimate(make_mean_figure(values))
    copied = estimate(make_mean_figure(np.repeat(values, 5), np.repeat(np.arange(40), 5)))
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    assert (once.n, copied.n) == (40, 200)


@pytest.mark.parametrize(
    ("figure", "why"),
    [
        (make_mean_figure(np.arange(9.0)), "9 patients, fewer than 10"),
        (make_mean_figure(np.arange(90.0), np.arange(90) % 9), "9 patients, fewer than 10"),
        (make_auc_figure(np.arange(500) < 9, np.arange(500)), "9 patients"),
        (make_auc_figure(np.ones(50), np.arange(50)), "one class"),
        (make_mean_figure(np.ones(50)), "same on every draw"),
        (make_mean_figure(np.array([np.nan] * 50)), "no numbers"),
    ],
)
def test_no_interval_where_there_is_none_and_a_reason(figure, why: str) -> None:
    result = estimate(figure)
    assert np.isnan([result.low, result.high]).all() and why in result.reason


def test_the_same_seed_draws_the_same() -> None:
    figure = make_mean_figure(np.random.default_rng(0).random(50))
    assert estimate(figure, seed=1) == estimate(figure, seed=1) != estimate(figure, seed=2)


def coverage(repeats: int) -> int:
    """How often the interval holds the true area, .85 by the simulation's making."""
    study = SimulatedTrial(seeds=1, seed_sd=0)
    hits = 0
    for k in range(repeats):
        arm, _ = simulate(study, np.random.default_rng([7, k]))
        result = estimate(make_auc_figure(arm.malignant, arm.risk, arm.patient), repeats=600)
        hits += result.low <= study.auc <= result.high
    return hits


def test_intervals_by_patients_cover() -> None:
    assert scipy.stats.binomtest(coverage(100), 100, 0.94).pvalue > 0.001


@pytest.mark.slow
def test_intervals_by_patients_cover_at_length() -> None:
    assert 0.92 < coverage(1000) / 1000 < 0.965
