"""Several tests at once: Holm's correction."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def adjust_by_holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values (Holm, Scand J Stat 1979): the chance of one false finding among all stays below 5 %.

    A test without a result (NaN) stays NaN and still counts as one of the family, as it was planned.
    """
    given = np.asarray(p, dtype=np.float64)
    if given.size and not np.all(np.isnan(given) | ((given >= 0) & (given <= 1))):
        raise ValueError("a p-value lies between 0 and 1")
    adjusted = np.full(given.shape, np.nan)
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]  # NaN sorts last
    steps = given.size - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * steps), 1)
    return adjusted
