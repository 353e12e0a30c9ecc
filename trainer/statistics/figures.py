"""Figures of merit as functions of how often each patient counts.

Once a figure can weigh patients, a bootstrap draw is a row of counts, leaving a patient out is a zero, and
two thousand draws are a few array operations. Each takes several seeds of one arm at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Weights = NDArray[np.float64]  # (draws, patients): how often each patient counts, >= 0


@dataclass(frozen=True)
class Figure:
    """A figure of merit of one arm on one set of slides.

    Attributes:
        of: weights (draws, patients) -> (seeds, draws); NaN where undefined.
        patients: number of patients, the weights' second axis.
        support: number of patients that carry the figure; for an area under the ROC curve that is the
            smaller of those with a malignant and those with a benign slide.
        slides: number of slides that it rests on.
        flaw: why it can't be computed; empty where it can.
    """

    of: Callable[[Weights], NDArray[np.float64]]
    patients: int
    support: int
    slides: int
    flaw: str = ""

    @property
    def by_seed(self) -> NDArray[np.float64]:
        """(seeds,): the figure itself, every patient counted once."""
        return self.of(np.ones((1, self.patients)))[:, 0]


def number_patients(patient: ArrayLike | None, slides: int) -> NDArray[np.int64]:
    """Number patients: (slides,) any labels -> (slides,) 0, 1, ...; None: one for each slide."""
    if patient is None:
        return np.arange(slides)
    codes = np.unique(np.asarray(patient), return_inverse=True)[1].astype(np.int64)
    if codes.shape != (slides,):
        raise ValueError(f"{codes.size} patients are named for {slides} slides")
    return codes


def make_auc_figure(malignant: ArrayLike, risk: ArrayLike, patient: ArrayLike | None = None) -> Figure:
    """Make the figure of the area under the ROC curve over all pairs of slides; a tie counts one half.

    Args:
        malignant: (slides,) bool.
        risk: (slides,) or (seeds, slides); any scale, only the order counts.
        patient: (slides,) labels; None where each slide is independent.
    """
    y = np.asarray(malignant, dtype=bool)
    scores = np.atleast_2d(np.asarray(risk, dtype=np.float64))
    codes = number_patients(patient, len(y))
    patients = int(codes.max(initial=-1)) + 1
    support = min(len(np.unique(codes[y])), len(np.unique(codes[~y])))
    if scores.shape[1:] != y.shape:
        raise ValueError(f"{scores.shape[1:]} risks for {y.shape} slides")
    if y.all() or not y.any():
        return _make_undefined(len(scores), patients, len(y), "only one class is present")
    if not np.isfinite(scores).all():
        return _make_undefined(
            len(scores), patients, len(y), f"{(~np.isfinite(scores)).sum()} risks are no numbers"
        )

    positive = codes[y]

    def of_one(score: NDArray[np.float64]) -> Callable[[Weights], NDArray[np.float64]]:
        order = np.argsort(score[~y], kind="stable")
        negative = codes[~y][order]
        below = np.searchsorted(score[~y][order], score[y], "left")
        upto = np.searchsorted(score[~y][order], score[y], "right")

        def of(weights: Weights) -> NDArray[np.float64]:
            w = weights[:, positive]
            passed = np.zeros((len(weights), len(negative) + 1))
            np.cumsum(weights[:, negative], axis=1, out=passed[:, 1:])
            wins = (w * (passed[:, below] + passed[:, upto])).sum(axis=1) / 2
            return _divide(wins, w.sum(axis=1) * passed[:, -1])

        return of

    seeds = [of_one(score) for score in scores]
    return Figure(lambda weights: np.stack([of(weights) for of in seeds]), patients, support, len(y))


def make_ratio_figure(
    numerator: ArrayLike, denominator: ArrayLike, patient: ArrayLike | None = None
) -> Figure:
    """Make the figure of a ratio of sums over slides: a mean, a share, precision, F1.

    Args:
        numerator, denominator: (slides,) or (seeds, slides).
        patient: (slides,) labels; None where each slide is independent.
    """
    over, under = np.broadcast_arrays(
        np.atleast_2d(np.asarray(numerator, dtype=np.float64)),
        np.atleast_2d(np.asarray(denominator, dtype=np.float64)),
    )
    codes = number_patients(patient, over.shape[1])
    patients = int(codes.max(initial=-1)) + 1
    if not (np.isfinite(over).all() and np.isfinite(under).all()):
        return _make_undefined(len(over), patients, over.shape[1], "some values are no numbers")
    sums = _sum_by_patient(over, codes, patients), _sum_by_patient(under, codes, patients)
    support = int((sums[1] != 0).sum(axis=1).min(initial=patients))
    flaw = "" if (sums[1].sum(axis=1) > 0).all() else "nothing to count"
    slides = int(np.count_nonzero(under, axis=1).min(initial=over.shape[1]))
    return Figure(lambda w: _divide(sums[0] @ w.T, sums[1] @ w.T), patients, support, slides, flaw)


def make_mean_figure(values: ArrayLike, patient: ArrayLike | None = None) -> Figure:
    """Make the figure of a mean over slides, (slides,) or (seeds, slides); IoU: of slides with a mask."""
    return make_ratio_figure(values, 1.0, patient)


def _sum_by_patient(
    values: NDArray[np.float64], codes: NDArray[np.int64], patients: int
) -> NDArray[np.float64]:
    return np.stack([np.bincount(codes, row, patients) for row in values])


def _divide(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = np.divide(over, under, out=np.full(np.shape(over), np.nan), where=under > 0)
    return np.asarray(ratio, np.float64)


def _make_undefined(seeds: int, patients: int, slides: int, flaw: str) -> Figure:
    return Figure(lambda w: np.full((seeds, len(w)), np.nan), patients, 0, slides, flaw)
