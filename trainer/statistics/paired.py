"""Is one arm better than another? Tests that draw patients, named before the run, corrected by Holm.

Both arms are seen on the same drawn patients, so what makes a patient hard for both cancels. With several
seeds in each arm the test is about ways of training: its error has the patients' part and the seeds' part.
With one seed it is about these two trained networks alone, and the result says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from scanside.errors import InputError
from trainer.statistics.arm import ArmResult, check_name, make_figure
from trainer.statistics.bootstrap import REPEATS, draw_patients, find_flaw, find_flaw_of_draws
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import Figure
from trainer.statistics.holm import adjust_by_holm
from trainer.statistics.seeds import Variance, compute_t_interval, estimate_seed_variance


@dataclass(frozen=True)
class Contrast:
    """A comparison named before the run: `figure` (of `arm.FIGURES`) of `arm_b` less that of `arm_a`."""

    name: str
    arm_a: str
    arm_b: str
    figure: str

    def __post_init__(self) -> None:
        check_name(self.figure)  # a slip must show before the run, not after it


@dataclass(frozen=True)
class Difference:
    """A figure of arm B less that of arm A, means over their seeds.

    Attributes:
        sampling: interval for further patients, with these very networks.
        combined: interval for further patients and further seeds; NaN where an arm has one seed.
        p: two-sided, of `combined`, or of `sampling` where an arm has one seed; NaN without an interval.
    """

    sampling: Estimate
    combined: Estimate
    p: float


@dataclass(frozen=True)
class Comparison:
    """One row of a table of contrasts.

    Attributes:
        value_a, value_b: means over the seeds.
        covers: what the p-value is about: "patients and seeds", or "patients" where an arm has one seed.
        p_holm: p corrected for the number of contrasts that were named.
    """

    contrast: Contrast
    value_a: float
    value_b: float
    difference: Difference
    seeds: tuple[int, int]
    covers: str
    p_holm: float


def estimate_difference(a: Figure, b: Figure, repeats: int = REPEATS, seed: int = 0) -> Difference:
    """Estimate B less A on the same patients, weights drawn once for both. Their seeds are independent."""
    seeds = len(a.by_seed), len(b.by_seed)
    value, n = float(b.by_seed.mean() - a.by_seed.mean()), min(a.slides, b.slides)
    weights = draw_patients(a.patients, repeats, seed)
    draws = a.of(weights), b.of(weights)
    apart = draws[1].mean(axis=0) - draws[0].mean(axis=0)
    why = find_flaw(a) or find_flaw(b) or find_flaw_of_draws(apart)
    if why:
        nothing = Estimate(value, np.nan, np.nan, n, why)
        return Difference(nothing, nothing, np.nan)
    patients, df = float(np.nanvar(apart, ddof=1)), min(a.support, b.support) - 1
    sampling = compute_t_interval(value, patients, df, n)
    if min(seeds) < 2:
        undefined = Estimate(value, np.nan, np.nan, n, "one seed")
        return Difference(sampling, undefined, _compute_p(value, patients, df))
    parts = [estimate_seed_variance(f.by_seed, d) for f, d in zip((a, b), draws, strict=True)]
    observed = [part[0] / s for part, s in zip(parts, seeds, strict=True)]
    true = [part[1] / s for part, s in zip(parts, seeds, strict=True)]
    doubt = sum(v**2 / (s - 1) for v, s in zip(observed, seeds, strict=True))
    seed_df = sum(observed) ** 2 / doubt if doubt else float("inf")
    variance = Variance(patients, sum(true), sum(observed), df, seed_df)
    combined = compute_t_interval(value, variance.total, variance.df, n)
    return Difference(sampling, combined, _compute_p(value, variance.total, variance.df))


def compare(
    contrasts: Sequence[Contrast],
    results: Mapping[str, ArmResult],
    repeats: int = REPEATS,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare every contrast that was named, in its order, with Holm's correction over all of them.

    Raises:
        InputError: an arm is missing, two arms were tested on different slides, or an arm lacks the figure.
    """
    rows = [_compare_one(contrast, results, repeats, seed) for contrast in contrasts]
    adjusted = adjust_by_holm([row.difference.p for row in rows])
    return tuple(replace(row, p_holm=float(p)) for row, p in zip(rows, adjusted, strict=True))


def _compare_one(contrast: Contrast, results: Mapping[str, ArmResult], repeats: int, seed: int) -> Comparison:
    for arm in (contrast.arm_a, contrast.arm_b):
        if arm not in results:
            raise InputError(f"contrast {contrast.name!r}: arm {arm!r} has no results; run it first")
    a, b = results[contrast.arm_a], results[contrast.arm_b]
    if not (np.array_equal(a.patient, b.patient) and np.array_equal(a.malignant, b.malignant)):
        raise InputError(
            f"contrast {contrast.name!r}: {contrast.arm_a!r} and {contrast.arm_b!r} were tested on different "
            "slides or in another order; evaluate both on the same list"
        )
    if contrast.figure == "iou" and not np.array_equal(a.masked, b.masked):
        raise InputError(
            f"contrast {contrast.name!r}: IoU of {contrast.arm_a!r} and {contrast.arm_b!r} is of different "
            "slides; take those that have a mask for both"
        )
    figures = make_figure(a, contrast.figure), make_figure(b, contrast.figure)
    by_seed = [figure.by_seed for figure in figures]
    seeds = len(by_seed[0]), len(by_seed[1])
    return Comparison(
        contrast=contrast,
        value_a=float(by_seed[0].mean()),
        value_b=float(by_seed[1].mean()),
        difference=estimate_difference(*figures, repeats, seed),
        seeds=seeds,
        covers="patients and seeds" if min(seeds) > 1 else "patients",
        p_holm=np.nan,
    )


def _compute_p(value: float, variance: float, df: float) -> float:
    return float(2 * student.sf(abs(value) / variance**0.5, df))
