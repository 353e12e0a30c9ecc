"""The threshold: chosen on the validation part, then applied to the test part as it is.

A slide whose risk is at or above the threshold is called malignant. Thresholds lie halfway between two risks
that were seen, so that the rounding of another runtime moves no slide across.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix

from scanside.errors import InputError
from trainer.statistics.arm import DECISION_FIGURES, ArmResult, make_figure, require
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and what it does on the slides that it was chosen on.

    Attributes:
        rule: how it was chosen, to be printed beside it.
        slides: number of validation slides.
    """

    threshold: float
    rule: str
    sensitivity: float
    specificity: float
    slides: int


def choose_at_sensitivity(malignant: ArrayLike, risk: ArrayLike, wanted: float) -> OperatingPoint:
    """Choose the highest threshold with at least the `wanted` sensitivity on these (validation) slides."""
    y, r = _check_validation(malignant, risk)
    _check_share(wanted)
    sure = np.sort(r[y])[::-1]
    # 1e-9: .9 of 10 slides are 9 slides, whatever the floating point says.
    cut = sure[max(int(np.ceil(wanted * len(sure) - 1e-9)), 1) - 1]
    return _make_point(y, r, float(cut), f"sensitivity of at least {wanted:g}")


def choose_at_specificity(malignant: ArrayLike, risk: ArrayLike, wanted: float) -> OperatingPoint:
    """Choose the lowest threshold with at least the `wanted` specificity on these (validation) slides."""
    y, r = _check_validation(malignant, risk)
    _check_share(wanted)
    benign = np.sort(r[~y])
    below = max(int(np.ceil(wanted * len(benign) - 1e-9)), 1)
    above = r[r > benign[below - 1]]
    cut = above.min() if len(above) else np.nextafter(r.max(), np.inf)
    return _make_point(y, r, float(cut), f"specificity of at least {wanted:g}")


def choose_by_youden(malignant: ArrayLike, risk: ArrayLike) -> OperatingPoint:
    """The threshold with the largest sensitivity + specificity (Youden, Cancer 1950); of ties the lowest."""
    y, r = _check_validation(malignant, risk)
    candidates = np.unique(r)
    missed = np.searchsorted(np.sort(r[y]), candidates, "left") / y.sum()
    spared = np.searchsorted(np.sort(r[~y]), candidates, "left") / (~y).sum()
    return _make_point(
        y, r, float(candidates[np.argmax(spared - missed)]), "largest sensitivity + specificity"
    )


@dataclass(frozen=True)
class Confusion:
    """Counts of slides of one seed."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


@dataclass(frozen=True)
class Decisions:
    """What an arm decides on the test slides at given thresholds.

    Attributes:
        confusion: counts by seed.
        figures: sensitivity, specificity, precision, f1, accuracy; means over the seeds, by patients.
    """

    threshold: tuple[float, ...]
    confusion: tuple[Confusion, ...]
    figures: dict[str, Estimate]


def decide(arm: ArmResult) -> Decisions:
    """Decide at `arm.threshold`, once per seed."""
    counts = [confusion_matrix(arm.malignant, called, labels=[False, True]) for called in arm.called()]
    return Decisions(
        threshold=tuple(map(float, require(arm.threshold, "threshold"))),
        confusion=tuple(Confusion(*map(int, (c[1, 1], c[0, 1], c[1, 0], c[0, 0]))) for c in counts),
        figures={name: estimate(make_figure(arm, name)) for name in DECISION_FIGURES},
    )


def _check_validation(malignant: ArrayLike, risk: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    y, r = np.asarray(malignant, dtype=bool), np.asarray(risk, dtype=np.float64)
    if y.shape != r.shape or y.ndim != 1:
        raise ValueError(f"risks of shape {r.shape} for slides of shape {y.shape}: give one seed at a time")
    if not np.isfinite(r).all():
        raise InputError("a threshold can't be chosen: some validation risks are no numbers")
    if y.all() or not y.any():
        raise InputError("a threshold can't be chosen: the validation part has only one class")
    return y, r


def _check_share(wanted: float) -> None:
    if not 0 < wanted <= 1:
        raise InputError(f"a wanted sensitivity or specificity lies above 0 and is at most 1, not {wanted}")


def _make_point(y: NDArray[np.bool_], r: NDArray[np.float64], cut: float, rule: str) -> OperatingPoint:
    """`cut` is the lowest risk that is called malignant."""
    under = r[r < cut].max(initial=-np.inf)
    middle = (cut + under) / 2
    threshold = middle if under < middle else cut  # nothing under it, or neighbours in floating point
    called = r >= threshold
    return OperatingPoint(
        float(threshold), rule, float(called[y].mean()), float((~called[~y]).mean()), len(y)
    )
