"""Contrasts between arms: by hand, and refused where they would mislead."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from scanside.errors import InputError
from trainer.statistics.arm import ArmResult, make_figure
from trainer.statistics.figures import make_mean_figure
from trainer.statistics.independent import compare_by_delong
from trainer.statistics.paired import Contrast, compare, estimate_difference
from trainer.statistics.power import SimulatedTrial, simulate


def arms(study: SimulatedTrial, seed: int = 0) -> dict[str, ArmResult]:
    return dict(zip("AB", simulate(study, np.random.default_rng(seed)), strict=True))


def test_difference_of_means_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a = rng.random(120)
    b = a + rng.normal(0.02, 0.1, 120)
    theirs = ttest_rel(b, a)
    ours = estimate_difference(make_mean_figure(a), make_mean_figure(b), repeats=20_000)
    assert ours.p == pytest.approx(theirs.pvalue, rel=0.15)
    interval = theirs.confidence_interval()
    assert (ours.sampling.low, ours.sampling.high) == pytest.approx((interval.low, interval.high), abs=0.001)


def test_where_delongs_test_is_valid_the_two_agree() -> None:
    for seed in range(10):
        a, b = simulate(SimulatedTrial(seeds=1, max_slides=1, effect=0.05), np.random.default_rng(seed))
        theirs = compare_by_delong(a.malignant, a.risk[0], b.risk[0], a.patient).difference
        ours = estimate_difference(make_figure(a, "auc"), make_figure(b, "auc")).sampling
        assert ours.value == pytest.approx(theirs.value)
        assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.2)


def test_rows_keep_their_order_and_are_corrected_together() -> None:
    contrasts = [Contrast(name, "A", "B", name) for name in ("auc", "sensitivity", "specificity")]
    rows = compare(contrasts, arms(SimulatedTrial(effect=0.08)), repeats=500)
    assert [row.contrast for row in rows] == contrasts
    p = np.array([row.difference.p for row in rows])
    assert (np.array([row.p_holm for row in rows]) >= p).all()
    assert min(row.p_holm for row in rows) == pytest.approx(min(3 * p.min(), 1))
    auc = rows[0]
    assert auc.difference.sampling.value == pytest.approx(auc.value_b - auc.value_a)
    assert (auc.seeds, auc.covers) == ((3, 3), "patients and seeds")


def test_interval_and_p_value_agree() -> None:
    for seed in range(20):
        row = compare([Contrast("c", "A", "B", "auc")], arms(SimulatedTrial(effect=0.04), seed), repeats=300)[
            0
        ]
        interval = row.difference.combined
        assert (row.difference.p < 0.05) == (interval.low > 0 or interval.high < 0)


def test_one_seed_speaks_of_these_networks_only() -> None:
    row = compare([Contrast("c", "A", "B", "auc")], arms(SimulatedTrial(seeds=1)))[0]
    assert row.covers == "patients" and row.difference.combined.reason == "one seed"
    assert 0 < row.difference.p <= 1


def test_seeds_that_differ_widen_the_interval() -> None:
    row = compare([Contrast("c", "A", "B", "auc")], arms(SimulatedTrial(seed_sd=0.5), 1))[0]
    sampling, combined = row.difference.sampling, row.difference.combined
    assert combined.high - combined.low > 1.2 * (sampling.high - sampling.low)


def test_an_arm_against_itself_has_no_p_value_but_a_place_in_the_family() -> None:
    results = arms(SimulatedTrial(effect=0.1))
    results["C"] = results["A"]
    same, other = compare([Contrast("1", "A", "C", "auc"), Contrast("2", "A", "B", "auc")], results)
    assert np.isnan([same.difference.p, same.p_holm]).all()
    assert same.difference.sampling.value == 0 and "same on every draw" in same.difference.sampling.reason
    assert other.p_holm == pytest.approx(min(2 * other.difference.p, 1))


def test_other_slides_or_a_missing_arm_are_refused() -> None:
    results = arms(SimulatedTrial())
    shuffled = replace(results["B"], patient=results["B"].patient[::-1])
    with pytest.raises(InputError, match="different slides"):
        compare([Contrast("c", "A", "B", "auc")], {**results, "B": shuffled})
    with pytest.raises(InputError, match="arm 'Z' has no results"):
        compare([Contrast("c", "A", "Z", "auc")], results)
    with pytest.raises(InputError, match="gives no IoU"):
        compare([Contrast("c", "A", "B", "iou")], results)


def test_iou_of_different_slides_is_not_compared() -> None:
    iou = np.random.default_rng(0).random((2, 30))
    a = ArmResult(np.arange(30) < 15, np.arange(30), iou=iou)
    b = replace(a, iou=np.where(np.arange(30) == 3, np.nan, iou))
    with pytest.raises(InputError, match="is of different slides"):
        compare([Contrast("c", "A", "B", "iou")], {"A": a, "B": b})


def test_a_contrast_of_an_unknown_figure_is_refused_before_the_run() -> None:
    with pytest.raises(InputError, match="no figure is called 'acu'"):
        Contrast("c", "A", "B", "acu")
