"""A figure of merit with its interval, or with the reason why it has none."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure; NaN where it is undefined.
        low, high: the interval's ends; NaN where there is none.
        n: number of images that it rests on.
        reason: why there is no interval or no value; empty where there are both.
    """

    value: float
    low: float
    high: float
    n: int
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.value:.3f} (no interval: {self.reason}), n={self.n}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n={self.n}"


def estimate_proportion(hits: int, n: int) -> Estimate:
    """Estimate a share of independent cases with Wilson's interval (JASA 1927)."""
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 0, "no cases")
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return Estimate(hits / n, float(interval.low), float(interval.high), n)
