"""Intervals by drawing patients with replacement, all slides of a patient together.

Slides of one patient resemble each other; drawing slides as if they were independent makes intervals too
narrow (Field and Welsh, JRSS B 2007). Draws are not stratified by class: a further set of patients would
not have the same number of malignant ones either. `strata` holds the numbers fixed where a study fixed them.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from scipy.stats import t as student

from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import Figure, Weights

Method = Literal["bca", "percentile"]

REPEATS = 2000
MIN_PATIENTS = 10  # with fewer the draws say little about a further patient: no interval
MAX_UNDEFINED = 0.05  # share of draws on which a figure may be undefined


def draw_patients(
    patients: int, repeats: int = REPEATS, seed: int = 0, strata: ArrayLike | None = None
) -> Weights:
    """Draw how often each patient counts, (repeats, patients).

    Args:
        strata: (patients,) labels within which the number of draws is held fixed; None is one stratum.
    """
    rng = np.random.default_rng(seed)
    labels = np.zeros(patients) if strata is None else np.asarray(strata)
    weights = np.zeros((repeats, patients))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        weights[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), repeats)
    return weights


def estimate(
    figure: Figure,
    method: Method = "bca",
    repeats: int = REPEATS,
    seed: int = 0,
    strata: ArrayLike | None = None,
) -> Estimate:
    """Estimate the mean of `figure` over its seeds, with its 95 % interval over patients, seeds fixed."""
    value = float(figure.by_seed.mean())
    why = find_flaw(figure)
    if why:
        return Estimate(value, np.nan, np.nan, figure.slides, why)
    draws = figure.of(draw_patients(figure.patients, repeats, seed, strata)).mean(axis=0)
    why = find_flaw_of_draws(draws)
    if why:
        return Estimate(value, np.nan, np.nan, figure.slides, why)
    defined = draws[np.isfinite(draws)]
    if method == "percentile":
        low, high = np.percentile(defined, 100 * norm.cdf(expand_quantiles(figure.support)))
    else:
        left_out = figure.of(1 - np.eye(figure.patients)).mean(axis=0)
        low, high = compute_bca_interval(defined, value, left_out, expand_quantiles(figure.support))
    return Estimate(value, float(low), float(high), figure.slides)


def expand_quantiles(support: float) -> NDArray[np.float64]:
    """Widen the normal quantiles of a 95 % interval for few patients, as Student's t is.

    Draws vary less than further patients would, by the root of (n - 1) / n, and take their own spread for
    known (Hesterberg, The American Statistician 2015). With no end of patients it is +-1.96.
    """
    few = 1 if np.isinf(support) else (support / (support - 1)) ** 0.5
    return np.asarray(few * student.ppf([0.025, 0.975], support - 1), np.float64)


def compute_bca_interval(
    draws: NDArray[np.float64],
    value: float,
    left_out: NDArray[np.float64],
    quantiles: NDArray[np.float64],
) -> tuple[float, float]:
    """Compute the bias-corrected and accelerated interval (Efron, JASA 1987).

    Args:
        draws: (repeats,) the figure on each draw.
        value: the figure itself.
        left_out: (patients,) the figure with one patient left out; where undefined, the patient is skipped.
        quantiles: (2,) of the normal distribution; see `expand_quantiles`.
    """
    below = ((draws < value).mean() + (draws <= value).mean()) / 2
    bias = norm.ppf(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    pull = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    skew = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    z = bias + quantiles
    low, high = np.percentile(draws, 100 * norm.cdf(bias + z / (1 - skew * z)))
    return float(low), float(high)


def find_flaw(figure: Figure) -> str:
    """Find why no interval can be given for `figure`; empty where it can."""
    if figure.flaw:
        return figure.flaw
    if figure.support < MIN_PATIENTS:
        return f"it rests on {figure.support} patients, fewer than {MIN_PATIENTS}"
    return ""


def find_flaw_of_draws(draws: NDArray[np.float64]) -> str:
    """Say why the spread of these draws is not an interval; empty where it is one."""
    undefined = 1 - np.isfinite(draws).mean()
    if undefined > MAX_UNDEFINED:
        return f"undefined on {100 * undefined:.0f} % of the draws"
    # Where all patients agree (sensitivity 1) every draw does; that does not make it certain.
    if np.nanmax(draws) - np.nanmin(draws) < 1e-12:
        return "the same on every draw, so the draws tell nothing about its error"
    return ""
