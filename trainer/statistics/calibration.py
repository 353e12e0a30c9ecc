"""Does a risk of 20 % mean one in five? Reliability curve, calibration error, temperature."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import make_ratio_figure

BINS = 15
MAX_LOG_TEMPERATURE = 5.0  # classes that do not overlap on held-out slides have no best temperature


@dataclass(frozen=True)
class ReliabilityBin:
    """The slides whose risk lies in one bin.

    Attributes:
        risk: their mean risk.
        malignant: the share that is malignant, with its interval by patients.
    """

    risk: float
    malignant: Estimate


def compute_calibration_error(malignant: ArrayLike, risk: ArrayLike, bins: int = BINS) -> float:
    """Compute the ECE of the risk: the gap of mean risk and malignant share of each bin, by slides.

    Bins are equally wide and closed below: [0, 1/15), ... [14/15, 1] (Guo et al., ICML 2017; there of the
    top class's confidence, here of the risk itself, since that is what the screen shows). Small sets read
    too high, as chance alone opens gaps; there is no interval for that reason. NaN without slides.
    """
    y, r = np.asarray(malignant, dtype=np.float64), np.asarray(risk, dtype=np.float64)
    if not len(y) or not np.isfinite(r).all():
        return float("nan")
    gaps = np.bincount(_assign_bins(r, bins), r - y, bins)
    return float(np.abs(gaps).sum() / len(y))


def compute_reliability(
    malignant: ArrayLike, risk: ArrayLike, patient: ArrayLike | None = None, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compute the reliability curve of one seed, in rising order of risk; empty bins are left out."""
    y, r = np.asarray(malignant, dtype=bool), np.asarray(risk, dtype=np.float64)
    if not np.isfinite(r).all():
        return ()
    index = _assign_bins(r, bins)
    return tuple(
        ReliabilityBin(
            float(r[index == b].mean()), estimate(make_ratio_figure(y & (index == b), index == b, patient))
        )
        for b in np.unique(index)
    )


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Fit the divisor of the logits that minimises the negative log-likelihood (Guo et al., ICML 2017).

    Args:
        logits: (N, classes) of held-out slides; for a sigmoid network the columns 0 and its logit.
        labels: (N,) class indices.

    Returns:
        Between exp(-5) and exp(5).
    """
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return float(-log_softmax(logits / np.exp(log_t), axis=1)[rows, labels].mean())

    limits = (-MAX_LOG_TEMPERATURE, MAX_LOG_TEMPERATURE)
    minimum = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9})
    return float(np.exp(minimum.x))


def _assign_bins(risk: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    if not ((risk >= 0) & (risk <= 1)).all():
        raise ValueError("a risk lies between 0 and 1")
    edges = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edges, risk, "right") - 1, 0, bins - 1)
