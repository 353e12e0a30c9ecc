"""How well annotations were found and removed, in figures with intervals over scans.

PSNR is that of the squared error pooled over the pixels of all scans; SSIM is the mean of its map (Wang et
al., IEEE TIP 2004) over the same pixels. Only pixels whose truth is known count.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from monai.metrics.regression import compute_ssim_and_cs
from numpy.typing import NDArray

from trainer.denoiser.pairs import ScanPair
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import make_ratio_figure

_SSIM_PX = 11  # its window
_F1_SLACK = 0.005  # F1 hardly changes with the threshold near its highest
WHERE = ("inside", "outside", "overall")


@dataclass(frozen=True)
class Restoration:
    """Sums over the pixels of each scan, float64: (3, N), the first axis as WHERE; of seeds (S, 3, N).

    Attributes:
        error: squared error of values in [0, 1].
        similarity: SSIM.
        pixels: how many.
    """

    error: NDArray[np.float64]
    similarity: NDArray[np.float64]
    pixels: NDArray[np.float64]

    def psnr(self, where: str) -> Estimate:
        """Compute PSNR in dB, with its interval; of seeds that of their mean error."""
        mse = self._mean(self.error, where)
        return replace(
            mse, value=_convert_to_db(mse.value), low=_convert_to_db(mse.high), high=_convert_to_db(mse.low)
        )

    def ssim(self, where: str) -> Estimate:
        return self._mean(self.similarity, where)

    def _mean(self, sums: NDArray[np.float64], where: str) -> Estimate:
        place = WHERE.index(where)
        return estimate(make_ratio_figure(sums[..., place, :], self.pixels[..., place, :]))


def measure_restoration(clean: NDArray[np.float32], pairs: ScanPair) -> Restoration:
    """Compare what a denoiser gave with the truth.

    Args:
        clean: (N, H, W) float32 in [0, 1].
        pairs: (N, H, W) each.
    """
    truth = np.asarray(pairs.clean.astype(np.float32) / 255, np.float32)
    # What lies under real annotations is unknown: there the truth stands on both sides.
    shown = np.asarray(np.where(pairs.restorable, clean, truth), np.float32)
    squared, similar = (shown - truth) ** 2, _compute_ssim_map(shown, truth)
    places = (pairs.mask & pairs.restorable, ~pairs.mask & pairs.restorable, pairs.restorable)  # WHERE
    return Restoration(
        error=np.stack([_sum_pixels(squared * place) for place in places]),
        similarity=np.stack([_sum_pixels(similar * place) for place in places]),
        pixels=np.stack([_sum_pixels(place) for place in places]),
    )


@dataclass(frozen=True)
class Detection:
    """Pixels of each scan, (N,) float64: annotated and found, not annotated but found, annotated but missed.

    Attributes:
        tissue: pixels that are known not to be annotated.
        far_false, far_missed: of the false and the missed ones those that touch no annotated, or no found,
            pixel. The others lie on the rim of a stroke, which is a matter of a fraction of a pixel.
    """

    hits: NDArray[np.float64]
    false: NDArray[np.float64]
    missed: NDArray[np.float64]
    tissue: NDArray[np.float64]
    far_false: NDArray[np.float64]
    far_missed: NDArray[np.float64]

    @property
    def f1(self) -> Estimate:
        return estimate(make_ratio_figure(2 * self.hits, 2 * self.hits + self.false + self.missed))

    @property
    def f1_but_for_rims(self) -> Estimate:
        return estimate(make_ratio_figure(2 * self.hits, 2 * self.hits + self.far_false + self.far_missed))

    @property
    def precision(self) -> Estimate:
        return estimate(make_ratio_figure(self.hits, self.hits + self.false))

    @property
    def recall(self) -> Estimate:
        return estimate(make_ratio_figure(self.hits, self.hits + self.missed))

    @property
    def replaced_tissue(self) -> Estimate:
        """Share of the tissue that is taken for annotation."""
        return estimate(make_ratio_figure(self.false, self.tissue))


def measure_detection(mask: NDArray[np.bool_], pairs: ScanPair) -> Detection:
    """Compare the mask of a detector, (N, H, W) bool, with the truth."""
    known, truth = pairs.known, pairs.mask
    false, missed = mask & ~truth, ~mask & truth
    counted = (mask & truth, false, missed, ~truth, false & ~_dilate(truth), missed & ~_dilate(mask))
    return Detection(*(_sum_pixels(where & known) for where in counted))


def choose_threshold(probability: NDArray[np.float32], pairs: ScanPair) -> float:
    """Choose the lowest threshold, in steps of .01, whose F1 over all pixels is highest but for the slack.

    The lowest, since ink that stays misleads more than a pixel of tissue that is painted over.
    """
    bins = (np.clip(probability, 0, 1) * 100).astype(np.int64)
    annotated, tissue = (
        np.bincount(bins[pairs.known & where], minlength=101)[::-1].cumsum()[::-1]
        for where in (pairs.mask, ~pairs.mask)
    )  # pixels at or above each step
    f1 = 2 * annotated / np.maximum(annotated[0] + annotated + tissue, 1)
    return float(np.argmax(f1[1:100] >= f1[1:100].max() - _F1_SLACK) + 1) / 100


def _dilate(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Dilate each mask by its eight neighbours: (N, H, W)."""
    kernel = np.ones((3, 3), np.uint8)
    return np.stack([cv2.dilate(mask.astype(np.uint8), kernel) > 0 for mask in masks])


def _sum_pixels(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.asarray(values.sum(axis=(1, 2), dtype=np.float64))


def _convert_to_db(mse: float) -> float:
    return float("inf") if mse == 0 else float(-10 * np.log10(mse))


def _compute_ssim_map(shown: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    margin = 4 * (_SSIM_PX // 2,)
    maps = []
    for pair in zip(shown, truth, strict=True):  # one by one: a batch of maps is large
        a, b = (torch.nn.functional.pad(torch.from_numpy(x)[None, None], margin, "reflect") for x in pair)
        maps.append(compute_ssim_and_cs(a, b, 2, (_SSIM_PX,) * 2, (1.5, 1.5), data_range=1.0)[0][0, 0])
    return torch.stack(maps).double().numpy()
