"""What one arm gave on the test slides, and its figures by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from scanside.errors import InputError
from trainer.statistics.figures import Figure, make_auc_figure, make_mean_figure, make_ratio_figure

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class ArmResult:
    """Every seed of one arm on the same test slides.

    Attributes:
        malignant: (slides,) bool.
        patient: (slides,) labels; for a set of unrelated images a label for each image.
        risk: (seeds, slides) probability of malignancy; None for an arm that only segments.
        threshold: (seeds,) a slide at or above it is called malignant; chosen on the validation part.
        iou: (seeds, slides), NaN where a slide has no mask; None for an arm that only classifies.
        right: (seeds, slides) whether the likeliest class is the true one; None where there is none.
    """

    malignant: NDArray[np.bool_]
    patient: NDArray[np.generic]
    risk: NDArray[np.float64] | None = None
    threshold: NDArray[np.float64] | None = None
    iou: NDArray[np.float64] | None = None
    right: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        slides = len(self.malignant)
        for name, array in (("risk", self.risk), ("iou", self.iou), ("right", self.right)):
            if array is not None and (array.ndim != 2 or array.shape[1] != slides):
                raise ValueError(f"{name} has shape {array.shape}, not (seeds, {slides})")
        if len(self.patient) != slides:
            raise ValueError(f"{len(self.patient)} patients are named for {slides} slides")
        if self.threshold is not None and self.risk is not None and len(self.threshold) != len(self.risk):
            raise ValueError(f"{len(self.threshold)} thresholds for {len(self.risk)} seeds")
        if self.iou is not None and (np.isnan(self.iou) != np.isnan(self.iou[:1])).any():
            raise InputError("some IoUs of one seed alone are no numbers: evaluate that seed again")

    @property
    def masked(self) -> NDArray[np.bool_]:
        """(slides,): which have a mask to compare with."""
        return np.asarray(~np.isnan(require(self.iou, "IoU")[0]), bool)

    def called(self) -> NDArray[np.bool_]:
        """Return which slides are called malignant, (seeds, slides)."""
        risk = require(self.risk, "risk")
        if np.isnan(risk).any():
            raise InputError(f"{np.isnan(risk).sum()} risks are no numbers: evaluate the arm again")
        return risk >= require(self.threshold, "threshold")[:, None]


def require(array: NDArray[_T] | None, name: str) -> NDArray[_T]:
    """Return the array, or raise an error that names what the arm did not give."""
    if array is None:
        raise InputError(f"this arm gives no {name}: ask for a figure that it has")
    return array


def _auc(arm: ArmResult) -> Figure:
    return make_auc_figure(arm.malignant, require(arm.risk, "risk"), arm.patient)


def _sensitivity(arm: ArmResult) -> Figure:
    return make_ratio_figure(arm.called() & arm.malignant, arm.malignant, arm.patient)


def _specificity(arm: ArmResult) -> Figure:
    return make_ratio_figure(~arm.called() & ~arm.malignant, ~arm.malignant, arm.patient)


def _precision(arm: ArmResult) -> Figure:
    called = arm.called()
    return make_ratio_figure(called & arm.malignant, called, arm.patient)


def _f1(arm: ArmResult) -> Figure:
    called = arm.called()
    both = called.astype(np.float64) + arm.malignant
    return make_ratio_figure(2.0 * (called & arm.malignant), both, arm.patient)


def _accuracy(arm: ArmResult) -> Figure:
    return make_mean_figure(arm.called() == arm.malignant, arm.patient)


def _class_accuracy(arm: ArmResult) -> Figure:
    return make_mean_figure(require(arm.right, "class"), arm.patient)


def _brier(arm: ArmResult) -> Figure:
    return make_mean_figure((require(arm.risk, "risk") - arm.malignant) ** 2, arm.patient)


def _iou(arm: ArmResult) -> Figure:
    return make_ratio_figure(np.where(arm.masked, require(arm.iou, "IoU"), 0.0), arm.masked, arm.patient)


FIGURES: dict[str, Callable[[ArmResult], Figure]] = {
    "auc": _auc,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "precision": _precision,
    "f1": _f1,
    "accuracy": _accuracy,
    "class_accuracy": _class_accuracy,
    "brier": _brier,
    "iou": _iou,
}
DECISION_FIGURES = ("sensitivity", "specificity", "precision", "f1", "accuracy")


def check_name(name: str) -> str:
    """Return `name` if a figure is called so, else raise InputError."""
    if name not in FIGURES:
        raise InputError(f"no figure is called {name!r}: use one of {', '.join(FIGURES)}")
    return name


def make_figure(arm: ArmResult, name: str) -> Figure:
    """Make the figure `name` of `arm`.

    Raises:
        InputError: there is no such figure, or the arm does not give what it needs.
    """
    return FIGURES[check_name(name)](arm)
