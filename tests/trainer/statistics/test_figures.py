"""Weighted figures against scikit-learn on slides that are repeated as often as they weigh."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from scanside.errors import InputError
from trainer.statistics.arm import FIGURES, ArmResult, make_figure
from trainer.statistics.bootstrap import draw_patients
from trainer.statistics.figures import make_auc_figure, make_mean_figure, make_ratio_figure


def arm(slides: int = 300, patients: int = 60, seeds: int = 2, seed: int = 0) -> ArmResult:
    """Risks with many ties, so that half a pair counts."""
    rng = np.random.default_rng(seed)
    malignant = rng.random(slides) < 0.3
    risk = np.round(np.clip(rng.normal(0.3 + 0.3 * malignant, 0.2, (seeds, slides)), 0, 1), 1)
    iou = np.where(rng.random(slides) < 0.2, np.nan, rng.random((seeds, slides)))  # some have no mask
    right = rng.random((seeds, slides)) < 0.6
    patient = rng.integers(0, patients, slides)
    return ArmResult(malignant, patient, risk, np.array([0.5, 0.2])[:seeds], iou, right)


def test_weighted_figures_are_scikit_learns_on_repeated_slides() -> None:
    a = arm()
    codes = np.unique(a.patient, return_inverse=True)[1]
    weights = draw_patients(int(codes.max()) + 1, 20, seed=3)
    values = {name: make_figure(a, name).of(weights) for name in FIGURES}
    assert a.risk is not None and a.iou is not None and a.right is not None
    for draw, row in enumerate(weights):
        again = np.repeat(np.arange(len(codes)), row[codes].astype(int))
        y = a.malignant[again]
        for seed, called in enumerate(a.called()[:, again]):
            risk, iou = a.risk[seed, again], a.iou[seed, again]
            expected = {
                "auc": roc_auc_score(y, risk),
                "sensitivity": recall_score(y, called),
                "specificity": recall_score(~y, ~called),
                "precision": precision_score(y, called),
                "f1": f1_score(y, called),
                "accuracy": (y == called).mean(),
                "class_accuracy": a.right[seed, again].mean(),
                "brier": ((risk - y) ** 2).mean(),
                "iou": np.nanmean(iou),
            }
            assert {n: v[seed, draw] for n, v in values.items()} == pytest.approx(expected)


def test_auc_counts_pairs_and_half_of_a_tie() -> None:
    figure = make_auc_figure([1, 1, 0, 0, 0], [0.9, 0.3, 0.4, 0.3, 0.1])
    assert figure.by_seed == pytest.approx([(3 + 0.5 + 1) / 6])
    assert (figure.patients, figure.support, figure.slides) == (5, 2, 5)


def test_support_is_of_the_rarer_class() -> None:
    figure = make_auc_figure([1, 1, 1, 0, 0, 0], [3, 2, 1, 0, 1, 2], ["a", "a", "b", "b", "c", "d"])
    assert (figure.patients, figure.support) == (4, 2)
    assert make_mean_figure([1, 2, 3], ["a", "a", "b"]).support == 2


@pytest.mark.parametrize(
    ("figure", "why"),
    [
        (make_auc_figure([True, True], [0.1, 0.2]), "one class"),
        (make_auc_figure([True, False], [0.1, np.nan]), "1 risks are no numbers"),
        (make_mean_figure([1.0, np.inf]), "no numbers"),
        (make_ratio_figure([0.0, 0.0], [0.0, 0.0]), "nothing to count"),
        (make_auc_figure([], []), "one class"),
    ],
)
def test_what_is_undefined_is_nan_and_says_why(figure, why: str) -> None:
    assert np.isnan(figure.by_seed).all() and why in figure.flaw


def test_draws_with_one_class_are_undefined() -> None:
    values = make_auc_figure([1, 0], [0.9, 0.1]).of(np.array([[2.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(values[0, 0]) and values[0, 1] == 1


def test_an_arm_is_asked_only_for_what_it_gives() -> None:
    segments = ArmResult(np.array([True, False]), np.arange(2), iou=np.array([[0.5, 0.7]]))
    assert make_figure(segments, "iou").by_seed == pytest.approx([0.6])
    with pytest.raises(InputError, match="gives no risk"):
        make_figure(segments, "auc")
    with pytest.raises(InputError, match="no figure is called 'acu'"):
        make_figure(segments, "acu")


def test_a_risk_that_is_no_number_is_not_called_benign() -> None:
    broken = ArmResult(np.array([True, False]), np.arange(2), np.array([[np.nan, 0.1]]), np.array([0.5]))
    with pytest.raises(InputError, match="no numbers"):
        make_figure(broken, "sensitivity")


def test_a_seed_that_lacks_an_iou_is_refused() -> None:
    with pytest.raises(InputError, match="one seed alone"):
        ArmResult(np.array([True, False]), np.arange(2), iou=np.array([[0.5, 0.7], [0.5, np.nan]]))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="not \\(seeds, 2\\)"):
        ArmResult(np.array([True, False]), np.arange(2), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="thresholds"):
        ArmResult(np.array([True, False]), np.arange(2), np.zeros((1, 2)), np.zeros(2))
    with pytest.raises(ValueError, match="patients"):
        make_auc_figure([1, 0], [0.1, 0.2], ["a"])
