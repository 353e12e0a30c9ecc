"""Calibration against torchmetrics, a brute-force search and by hand."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torchmetrics.functional.classification import binary_calibration_error

from trainer.statistics.calibration import compute_calibration_error, compute_reliability, fit_temperature


@pytest.mark.parametrize("bins", [10, 15])
def test_ece_is_torchmetrics(bins: int) -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(500).astype(np.float32)
    malignant = rng.random(500) < risk**2
    theirs = binary_calibration_error(torch.from_numpy(risk), torch.from_numpy(malignant).long(), n_bins=bins)
    assert compute_calibration_error(malignant, risk, bins) == pytest.approx(float(theirs), abs=1e-6)


def test_ece_of_a_few_slides_by_hand() -> None:
    # Bin [0, .5): mean risk .2, none malignant; bin [.5, 1]: mean risk .8, 2 of 3 malignant.
    malignant, risk = [0, 0, 1, 1, 0], [0.1, 0.3, 0.5, 1.0, 0.9]
    assert compute_calibration_error(malignant, risk, 2) == pytest.approx((2 * 0.2 + 3 * (0.8 - 2 / 3)) / 5)
    assert np.isnan(compute_calibration_error([], []))
    assert np.isnan(compute_calibration_error([1], [np.nan]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        compute_calibration_error([1], [1.2])


def test_reliability_curve_of_a_calibrated_risk_follows_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(20_000)
    curve = compute_reliability(rng.random(20_000) < risk, risk, np.arange(20_000) % 500, bins=10)
    assert len(curve) == 10 and sum(b.malignant.n for b in curve) == 20_000
    assert [b.malignant.value for b in curve] == pytest.approx([b.risk for b in curve], abs=0.03)
    assert all(b.malignant.low < b.malignant.value < b.malignant.high for b in curve)


def test_a_bin_of_few_patients_has_no_interval() -> None:
    (only,) = compute_reliability([True, False, True], [0.51, 0.52, 0.52], ["a", "a", "b"])
    assert only.malignant.value == pytest.approx(2 / 3) and "2 patients" in only.malignant.reason


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 8))
    labels = np.array([rng.choice(8, p=np.exp(z) / np.exp(z).sum()) for z in logits])
    assert fit_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.05)


def test_temperature_is_the_best_of_a_grid_by_torch() -> None:
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(0, 3, (300, 3)), rng.integers(0, 3, 300)
    labels[:200] = logits[:200].argmax(1)
    grid = np.linspace(0.5, 8, 3001)
    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    best = grid[np.argmin([float(cross_entropy(z / t, y)) for t in grid])]
    assert fit_temperature(logits, labels) == pytest.approx(best, abs=0.003)


def test_classes_that_do_not_overlap_end_at_the_limit() -> None:
    logits = np.array([[0.0, 2.0], [0.0, -2.0]])
    assert np.exp(-5) <= fit_temperature(logits, np.array([1, 0])) < 0.1
