"""What the outer folds of the default model say together (docs/default-model.md).

Whatever is fitted on predictions, temperature and threshold, is fitted on the other folds' for each fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit

from trainer.data.mmotu import CLASSES, MALIGNANT
from trainer.statistics.bootstrap import estimate
from trainer.statistics.calibration import fit_temperature
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import Figure, make_auc_figure, make_mean_figure
from trainer.statistics.operating_point import choose_at_sensitivity
from trainer.statistics.paired import estimate_difference

SENSITIVITIES = (0.95, 0.8)  # at which specificity, and what is called of normal ovaries, are given
_NORMAL = CLASSES.index("normal ovary")


@dataclass(frozen=True)
class HeldOut:
    """What one fit says of the scans that it did not train on, one row per scan.

    Attributes:
        images, examinations, labels: (N,) of the scans.
        logits: (N, classes), class weights taken off.
        iou: (N,), at a lesion probability above one half, in the network's input.
    """

    images: NDArray[np.int64]
    examinations: NDArray[np.int64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float64]
    iou: NDArray[np.float64]

    @property
    def malignant(self) -> NDArray[np.bool_]:
        return np.asarray(self.labels == MALIGNANT)

    @property
    def risk(self) -> NDArray[np.float64]:
        """(N,): probability of the malignant class."""
        return np.asarray(np.exp(log_softmax(self.logits, axis=1)[:, MALIGNANT]), np.float64)


def pool_folds(folds: Sequence[HeldOut]) -> HeldOut:
    """Pool the outer folds, each at a temperature that was fitted on the others alone."""

    def fitted(others: HeldOut) -> float:
        return fit_temperature(others.logits, others.labels)

    logits = [fold.logits / t for fold, t in zip(folds, _fit_on_others(folds, fitted, 1.0), strict=True)]
    return HeldOut(**{**vars(_join_folds(folds)), "logits": np.concatenate(logits)})


def compute_figures(held_out: HeldOut) -> dict[str, Estimate]:
    """Compute AUC, accuracy and IoU, with intervals over examinations."""
    return {name: estimate(figure) for name, figure in _make_figures(held_out).items()}


def compute_gains(first: HeldOut, second: HeldOut) -> dict[str, Estimate]:
    """Subtract accuracy and IoU of `first` from those of `second`, on the same drawn examinations.

    Raises:
        ValueError: they are of different scans.
    """
    if not np.array_equal(first.images, second.images):
        raise ValueError("two fits were tested on different scans, or in another order")
    before, after = _make_figures(first), _make_figures(second)
    return {
        name: estimate_difference(before[name], after[name]).sampling
        for name in ("accuracy_8_classes", "iou")
    }


def _make_figures(held_out: HeldOut) -> dict[str, Figure]:
    some = held_out.malignant | (held_out.labels == _NORMAL)
    right = held_out.logits.argmax(axis=1) == held_out.labels
    by = held_out.examinations
    return {
        "auc": make_auc_figure(held_out.malignant, held_out.risk, by),
        "auc_against_normal_ovary": make_auc_figure(held_out.malignant[some], held_out.risk[some], by[some]),
        "accuracy_8_classes": make_mean_figure(right, by),
        "iou": make_mean_figure(held_out.iou, by),
    }


def compute_decisions(fitted_folds: Sequence[HeldOut]) -> dict[str, Estimate]:
    """Compute decisions at thresholds that reach a sensitivity on the other folds.

    Args:
        fitted_folds: the outer folds; two at least.

    Returns:
        For each of SENSITIVITIES the sensitivity that is reached, the specificity, and the share of normal
        ovaries that is called malignant, with intervals over examinations.
    """
    result: dict[str, Estimate] = {}
    pooled = pool_folds(fitted_folds)
    sizes = np.cumsum([len(fold.images) for fold in fitted_folds])[:-1]
    folds = [HeldOut(**dict(zip(vars(pooled), part, strict=True))) for part in _split_rows(pooled, sizes)]
    for wanted in SENSITIVITIES:

        def chosen(others: HeldOut, wanted: float = wanted) -> float:
            return choose_at_sensitivity(others.malignant, others.risk, wanted).threshold

        cuts = _fit_on_others(folds, chosen, np.nan)
        called = np.concatenate([fold.risk >= cut for fold, cut in zip(folds, cuts, strict=True)])
        by, normal = pooled.examinations, pooled.labels == _NORMAL
        for name, rows, value in (
            ("sensitivity", pooled.malignant, called),
            ("specificity", ~pooled.malignant, ~called),
            ("normal_ovaries_called", normal, called),
        ):
            result[f"{name}_at_{wanted:g}"] = estimate(make_mean_figure(value[rows], by[rows]))
    return result


def measure_calibration(held_out: HeldOut) -> dict[str, float]:
    """Measure how well the risks are calibrated.

    Returns:
        slope and intercept of the logistic regression of malignancy on the logit of the risk (Cox,
        Biometrika 1958; 1 and 0 where it is calibrated), and Brier skill: 1 less the Brier score over that
        of the prevalence.
    """
    risk, malignant = held_out.risk.clip(1e-9, 1 - 1e-9), held_out.malignant
    x = logit(risk)

    def loss(line: NDArray[np.float64]) -> float:
        p = expit(line[0] + line[1] * x).clip(1e-12, 1 - 1e-12)
        return float(-np.mean(np.where(malignant, np.log(p), np.log1p(-p))))

    intercept, slope = minimize(loss, np.array([0.0, 1.0]), method="Nelder-Mead").x
    prevalence = malignant.mean()
    brier = np.mean((risk - malignant) ** 2) / (prevalence * (1 - prevalence))
    return {"slope": float(slope), "intercept": float(intercept), "brier_skill": float(1 - brier)}


def make_plain(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, object]]:
    """Make estimates plain as JSON takes them: NaN is null."""
    return {
        name: {key: None if value != value else value for key, value in asdict(estimate).items()}
        for name, estimate in estimates.items()
    }


def _fit_on_others(folds: Sequence[HeldOut], fit: Callable[[HeldOut], float], alone: float) -> list[float]:
    """Fit each fold on all other folds; `alone` where there are none."""
    return [
        fit(_join_folds([*folds[:number], *folds[number + 1 :]])) if len(folds) > 1 else alone
        for number in range(len(folds))
    ]


def _join_folds(folds: Sequence[HeldOut]) -> HeldOut:
    return HeldOut(
        **{name: np.concatenate([getattr(fold, name) for fold in folds]) for name in vars(folds[0])}
    )


def _split_rows(held_out: HeldOut, at: NDArray[np.int64]) -> list[tuple[NDArray[Any], ...]]:
    return list(zip(*(np.split(column, at) for column in vars(held_out).values()), strict=True))
