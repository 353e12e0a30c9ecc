"""The spread over seeds apart from sampling error: variance components.

Each seed trains another network; all are tested on the same patients. Three questions, three answers:
how much would the mean change with other patients, how much do the trained networks differ, and how sure is
the mean over both. Two-way random effects: figure = patients + seed + what one seed makes of one patient.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from trainer.statistics.bootstrap import REPEATS, draw_patients, estimate, find_flaw, find_flaw_of_draws
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import Figure


@dataclass(frozen=True)
class Spread:
    """A figure of one arm over several seeds.

    Attributes:
        by_seed: (seeds,) the figure of each.
        sampling: mean over the seeds; interval for further patients, with these very networks.
        combined: the same mean; interval for further patients and further seeds. NaN with one seed.
        seed_sd: standard deviation over the seeds on these slides; NaN with one seed.
        true_seed_sd: what remains of it when the noise of a finite test set is taken off; never below 0.
    """

    by_seed: tuple[float, ...]
    sampling: Estimate
    combined: Estimate
    seed_sd: float
    true_seed_sd: float


@dataclass(frozen=True)
class Variance:
    """Squared standard errors of a mean over seeds, and what they rest on.

    Attributes:
        patients: by further patients.
        seeds: by further seeds, sampling noise taken off; NaN where an arm has one seed.
        observed: as `seeds`, sampling noise left in; it sets the degrees of freedom.
        patient_df, seed_df: degrees of freedom of each.
    """

    patients: float
    seeds: float
    observed: float
    patient_df: float
    seed_df: float

    @property
    def total(self) -> float:
        return self.patients + self.seeds

    @property
    def df(self) -> float:
        """Welch and Satterthwaite's (Biometrics 1946)."""
        doubt = self.patients**2 / self.patient_df + self.observed**2 / self.seed_df
        return (self.patients + self.observed) ** 2 / doubt


def estimate_seed_variance(by_seed: NDArray[np.float64], draws: NDArray[np.float64]) -> tuple[float, float]:
    """Estimate the variance between seeds: (observed, without the test set's noise). NaN with one seed.

    Args:
        by_seed: (seeds,) the figure.
        draws: (seeds, repeats) the figure on the same draws of patients for every seed.
    """
    seeds = len(by_seed)
    if seeds < 2:
        return np.nan, np.nan
    observed = float(by_seed.var(ddof=1))
    # Networks that are equally good still differ on a finite test set; draws show by how much.
    apart = draws - draws.mean(axis=0)
    noise = float(np.nanvar(apart, axis=1, ddof=1).mean()) * seeds / (seeds - 1)
    return observed, max(0.0, observed - noise)


def compute_t_interval(value: float, variance: float, df: float, n: int) -> Estimate:
    """Compute Student's 95 % interval."""
    half = float(student.ppf(0.975, df)) * variance**0.5
    return Estimate(value, value - half, value + half, n)


def estimate_spread(figure: Figure, repeats: int = REPEATS, seed: int = 0) -> Spread:
    """Estimate the mean over seeds, error by patients, spread by seeds, and both together."""
    by_seed = figure.by_seed
    sampling = estimate(figure, repeats=repeats, seed=seed)
    draws = figure.of(draw_patients(figure.patients, repeats, seed))
    why = "one seed" if len(by_seed) < 2 else find_flaw(figure) or find_flaw_of_draws(draws.mean(axis=0))
    sd = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else np.nan
    if why:
        nothing = Estimate(sampling.value, np.nan, np.nan, figure.slides, why)
        return Spread(tuple(map(float, by_seed)), sampling, nothing, sd, np.nan)
    observed, true = estimate_seed_variance(by_seed, draws)
    seeds = len(by_seed)
    patients = float(np.nanvar(draws.mean(axis=0), ddof=1))
    variance = Variance(patients, true / seeds, observed / seeds, figure.support - 1, seeds - 1)
    combined = compute_t_interval(sampling.value, variance.total, variance.df, figure.slides)
    return Spread(tuple(map(float, by_seed)), sampling, combined, sd, true**0.5)
