"""Figures against numbers worked out by hand."""

import numpy as np
import pytest

from trainer.denoiser.figures import choose_threshold, measure_detection, measure_restoration
from trainer.denoiser.pairs import ScanPair


def pairs(mask: np.ndarray, clean: int = 100, known: np.ndarray | None = None) -> ScanPair:
    plane = np.full(mask.shape, clean, np.uint8)
    known = np.ones(mask.shape, bool) if known is None else known
    return ScanPair(plane, np.zeros_like(plane), plane, mask, known, known)


def half(count: int = 12) -> np.ndarray:
    mask = np.zeros((count, 16, 20), bool)
    mask[:, :, :5] = True
    return mask


def test_psnr_is_pooled_over_the_pixels_of_each_place() -> None:
    truth = pairs(half())
    given = np.where(truth.mask, 100 / 255 + 0.1, 100 / 255 + 0.01).astype(np.float32)
    result = measure_restoration(given, truth)
    assert result.psnr("inside").value == pytest.approx(20, abs=1e-3)
    assert result.psnr("outside").value == pytest.approx(40, abs=1e-2)
    assert result.psnr("overall").value == pytest.approx(-10 * np.log10((0.01 + 3 * 0.0001) / 4), abs=1e-2)


def test_more_wrong_scans_lower_psnr_and_its_interval_holds_it() -> None:
    truth = pairs(half(30))
    wrong = np.linspace(0.05, 0.2, 30, dtype=np.float32)[:, None, None]
    estimate = measure_restoration(100 / 255 + np.broadcast_to(wrong, truth.mask.shape), truth).psnr("inside")
    assert estimate.low < estimate.value < estimate.high
    assert estimate.value == pytest.approx(-10 * np.log10(float((wrong**2).mean())), abs=1e-3)


def test_what_is_unknown_counts_nowhere() -> None:
    known = np.ones((12, 16, 20), bool)
    known[:, 8:] = False
    truth = pairs(half(), known=known)
    given = np.where(known, 100 / 255, 0.9).astype(np.float32)
    result = measure_restoration(given, truth)
    assert result.psnr("overall").value == np.inf
    assert result.ssim("inside").value == pytest.approx(1)
    wrong = ~truth.mask
    assert measure_detection(np.where(known, truth.mask, wrong), truth).f1.value == 1


def test_f1_precision_recall_and_replaced_tissue_by_hand() -> None:
    truth = pairs(half())
    mask = np.zeros_like(truth.mask)
    mask[:, :, 3:6] = True  # 2 of 5 columns right, 1 of 15 wrong
    judged = measure_detection(mask, truth)
    assert judged.recall.value == pytest.approx(2 / 5)
    assert judged.precision.value == pytest.approx(2 / 3)
    assert judged.f1.value == pytest.approx(4 / 8)
    assert judged.replaced_tissue.value == pytest.approx(1 / 15)
    assert judged.f1_but_for_rims.value == pytest.approx(4 / 6)  # columns 0 and 1 touch nothing found


def test_the_best_threshold_parts_what_can_be_parted() -> None:
    truth = pairs(half())
    probability = np.where(truth.mask, 0.62, 0.375).astype(np.float32)
    threshold = choose_threshold(probability, truth)
    assert measure_detection(probability > threshold, truth).f1.value == 1


def test_of_thresholds_that_are_nearly_as_good_the_lowest_is_taken() -> None:
    mask = np.zeros((1, 40, 50), bool)
    mask[:, :20] = True
    truth = pairs(mask)
    probability = np.where(mask, 0.9, 0.05).astype(np.float32)
    probability[0, 39, :4] = 0.5  # F1 is .998 with these four pixels, and 1 without
    assert choose_threshold(probability, truth) == 0.06
    probability[0, 38] = 0.5  # and .974 with these
    assert choose_threshold(probability, truth) == 0.51
