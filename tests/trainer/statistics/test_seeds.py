"""Variance components against a simulation whose components are known."""

import numpy as np
import pytest

from trainer.statistics.figures import make_mean_figure
from trainer.statistics.seeds import Variance, estimate_spread


def values(rng: np.random.Generator, seeds: int, seed_sd: float, patients: int = 200) -> np.ndarray:
    """(seeds, patients): 0.6 + patient (SD .2) + seed + patient and seed (SD .1)."""
    patient, seed = rng.normal(0, 0.2, patients), rng.normal(0, seed_sd, (seeds, 1))
    return 0.6 + patient + seed + rng.normal(0, 0.1, (seeds, patients))


def test_components_are_found_again() -> None:
    rng = np.random.default_rng(0)
    found = [estimate_spread(make_mean_figure(values(rng, 4, 0.03)), repeats=300) for _ in range(150)]
    assert np.mean([f.true_seed_sd**2 for f in found]) == pytest.approx(0.03**2, rel=0.2)
    observed = 0.03**2 + 0.1**2 / 200
    assert np.mean([f.seed_sd**2 for f in found]) == pytest.approx(observed, rel=0.2)


def test_combined_interval_covers_further_seeds_and_the_sampling_interval_does_not() -> None:
    rng = np.random.default_rng(1)
    found = [estimate_spread(make_mean_figure(values(rng, 3, 0.03)), repeats=300) for _ in range(300)]
    sampling, combined = (
        np.mean([e.low < 0.6 < e.high for e in estimates])
        for estimates in ([f.sampling for f in found], [f.combined for f in found])
    )
    assert sampling < 0.85
    assert 0.92 < combined <= 0.99


def test_seeds_that_agree_leave_the_sampling_error() -> None:
    rng = np.random.default_rng(2)
    row = rng.random(100)
    result = estimate_spread(make_mean_figure(np.stack([row, row, row])))
    assert (result.seed_sd, result.true_seed_sd) == pytest.approx((0, 0), abs=1e-12)
    assert result.combined.low == pytest.approx(result.sampling.low, abs=0.005)


def test_one_seed_has_no_spread() -> None:
    result = estimate_spread(make_mean_figure(np.random.default_rng(0).random((1, 50))))
    assert np.isnan([result.seed_sd, result.true_seed_sd, result.combined.low]).all()
    assert result.combined.reason == "one seed" and result.sampling.low < result.sampling.value


def test_degrees_of_freedom_are_welchs() -> None:
    # Two samples' variances over n, with 9 and 4 degrees: Welch's formula by hand.
    assert Variance(0.02, 0.05, 0.05, 9, 4).df == pytest.approx(0.07**2 / (0.02**2 / 9 + 0.05**2 / 4))
