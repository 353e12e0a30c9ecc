"""Do the tests keep their word? Simulated arms with a known effect, tested again and again.

At effect zero a test at 5 % must find nothing in about 95 % of repeats; with an effect, the share that
finds it is the power. The harness takes any simulation and any test.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from scanside.errors import InputError
from trainer.statistics.arm import ArmResult, make_figure
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.paired import estimate_difference

SimulatedPair = tuple[ArmResult, ArmResult]


@dataclass(frozen=True)
class SimulatedTrial:
    """A simulated test set and two arms on it: binormal scores with random effects.

    score = malignant * d + patient + arm and patient + slide + arm and slide, and d differs by seed.

    Attributes:
        patients, malignant_share: by patient; all slides of a patient share the class.
        max_slides: a patient has 1 to so many slides, each number as likely.
        seeds: networks per arm.
        auc: area of arm A over slides, about.
        effect: area of arm B less that of arm A, about.
        patient, arm_patient, slide, arm_slide: variances of the score's parts, sum 1.
        seed_sd: standard deviation of d over seeds.
    """

    patients: int = 165
    malignant_share: float = 0.2
    max_slides: int = 8
    seeds: int = 3
    auc: float = 0.85
    effect: float = 0.0
    patient: float = 0.35
    arm_patient: float = 0.15
    slide: float = 0.25
    arm_slide: float = 0.25
    seed_sd: float = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.auc < 1 and 0 < self.auc + self.effect < 1):
            raise InputError(
                f"areas of {self.auc} and {self.auc + self.effect} do not both lie between 0 and 1"
            )


def simulate(study: SimulatedTrial, rng: np.random.Generator) -> SimulatedPair:
    """Simulate arms A and B on the same slides; half of a patient's effect is common to an arm's seeds."""
    of = np.repeat(np.arange(study.patients), rng.integers(1, study.max_slides + 1, study.patients))
    sick = np.zeros(study.patients, dtype=bool)
    sick[: round(study.patients * study.malignant_share)] = True
    malignant, slides, seeds = sick[of], len(of), study.seeds
    shared = rng.normal(0, study.patient**0.5, study.patients)[of] + rng.normal(0, study.slide**0.5, slides)
    arms = []
    for area in (study.auc, study.auc + study.effect):
        d = 2**0.5 * norm.ppf(area) + rng.normal(0, study.seed_sd, (seeds, 1))
        half = (study.arm_patient / 2) ** 0.5
        view = rng.normal(0, half, study.patients) + rng.normal(0, half, (seeds, study.patients))
        noise = rng.normal(0, study.arm_slide**0.5, (seeds, slides))
        risk = expit(malignant * d + shared + view[:, of] + noise - 2)
        arms.append(ArmResult(malignant, of, risk, threshold=np.full(seeds, 0.2)))
    return arms[0], arms[1]


def make_paired_test(figure: str = "auc", repeats: int = 500) -> Callable[[SimulatedPair], float]:
    """Make the project's own test between two arms, as a function of the pair."""
    return lambda pair: (
        estimate_difference(make_figure(pair[0], figure), make_figure(pair[1], figure), repeats).p
    )


def measure_power(
    draw: Callable[[np.random.Generator], SimulatedPair],
    test: Callable[[SimulatedPair], float],
    repeats: int,
    seed: int = 0,
    level: float = 0.05,
) -> Estimate:
    """Measure the share of repeats in which `test` finds a difference, with Wilson's interval over repeats.

    Args:
        draw: gives one repeat of the study; see `simulate`.
        test: gives a p-value. NaN (no interval could be given) is not a finding.
    """
    generators = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(repeats))
    return estimate_proportion(sum(test(draw(rng)) < level for rng in generators), repeats)
