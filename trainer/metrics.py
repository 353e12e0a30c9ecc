"""Figures of merit, each with its interval."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score
from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        n: number of images that it rests on.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n={self.n}"


def iou_per_image(predicted: Tensor, true: Tensor) -> Tensor:
    """Intersection over union, (N, 1, H, W) bool each -> (N,). Two empty masks agree: 1."""
    both = (predicted & true).sum((1, 2, 3))
    either = (predicted | true).sum((1, 2, 3))
    return (both + (either == 0)) / either.clamp(min=1)


def proportion(hits: int, n: int) -> Estimate:
    """A share with Wilson's interval."""
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n)


def bootstrap(
    figure: Callable[..., float], *samples: NDArray[np.generic], repeats: int = 2000, seed: int = 0
) -> Estimate:
    """A figure with its percentile interval over images drawn with replacement.

    Draws on which the figure is undefined (NaN: one class only) are left out.
    """
    n = len(samples[0])
    rng = np.random.default_rng(seed)
    draws = (rng.integers(0, n, n) for _ in range(repeats))
    values = np.array([figure(*(sample[draw] for sample in samples)) for draw in draws])
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return Estimate(figure(*samples), float(low), float(high), n)


def auc(malignant: NDArray[np.bool_], risk: NDArray[np.float64]) -> float:
    """Area under the ROC curve; NaN where only one class is present."""
    if malignant.all() or not malignant.any():
        return float("nan")
    return float(roc_auc_score(malignant, risk))
