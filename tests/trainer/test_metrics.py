"""Figures of merit against published values and by hand."""

import numpy as np
import pytest
import torch

from trainer.evaluate import Predictions, figures, temperature
from trainer.metrics import auc, bootstrap, iou_per_image, proportion


def test_wilson_interval_is_newcombes() -> None:
    # Newcombe, Stat Med 1998, table I, method 3: 81/263 and 15/148.
    a, b = proportion(81, 263), proportion(15, 148)
    assert (round(a.low, 4), round(a.high, 4)) == (0.2553, 0.3662)
    assert (round(b.low, 4), round(b.high, 4)) == (0.0624, 0.1605)


def test_auc_counts_pairs() -> None:
    malignant = np.array([True, True, False, False, False])
    risk = np.array([0.9, 0.3, 0.4, 0.3, 0.1])
    assert auc(malignant, risk) == pytest.approx((3 + 0.5 + 1) / 6)
    assert np.isnan(auc(np.array([True]), np.array([0.1])))


def test_iou_of_masks() -> None:
    a, b = torch.zeros(3, 1, 4, 4, dtype=torch.bool), torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    a[0, 0, :2], b[0, 0, 1:3] = True, True
    a[1, 0, 0] = True
    assert iou_per_image(a, b).tolist() == pytest.approx([1 / 3, 0, 1])


def test_bootstrap_of_a_mean_is_the_normal_interval() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    estimate = bootstrap(lambda sample: float(sample.mean()), values)
    error = 1.96 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - error, abs=0.02)
    assert estimate.high == pytest.approx(values.mean() + error, abs=0.02)


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 8))
    labels = np.array([rng.choice(8, p=np.exp(z) / np.exp(z).sum()) for z in logits])
    assert temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.05)


def test_figures_count_what_they_say() -> None:
    logits = np.zeros((10, 8))
    labels = np.array([7, 7, 7, 0, 0, 0, 0, 1, 1, 1])
    logits[np.arange(10), [7, 7, 0, 0, 0, 0, 7, 1, 1, 0]] = 5
    result = figures(Predictions(logits, np.zeros((10, 4)), np.full(10, 0.5), labels), threshold=0.5)
    assert result["sensitivity"].value == pytest.approx(2 / 3)
    assert result["specificity"].value == pytest.approx(6 / 7)
    assert result["accuracy_8_classes"].value == pytest.approx(0.7)
    assert result["iou"].value == 0.5
    assert [e.n for e in result.values()] == [10, 3, 7, 10, 10]
