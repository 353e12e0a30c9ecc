"""No scan that a fit is tested on, nor one of its examination, has taught it or been chosen by."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scanside.errors import SettingError
from trainer.data.mmotu import FOLDS, MALIGNANT, PreparedScans, read_split
from trainer.default_model import folds as default_folds
from trainer.default_model.figures import (
    HeldOut,
    compute_decisions,
    compute_figures,
    compute_gains,
    measure_calibration,
    pool_folds,
)
from trainer.default_model.folds import (
    CHOICES,
    UNTOUCHED_FOLD,
    choose_outer_recipe,
    list_choice_parts,
    list_outer_parts,
    run_fit,
    shrink_recipe,
)
from trainer.default_model.outputs import run_network
from trainer.default_model.stress import CHANGES, measure_stress
from trainer.models.build import build_network
from trainer.models.network import NetworkOutput
from trainer.models.spec import NetworkSpec
from trainer.settings.configuration import Training


def test_no_examination_is_on_both_sides_of_a_fit() -> None:
    for trained, tested in (list_choice_parts(), *(list_outer_parts(fold) for fold in range(FOLDS))):
        assert trained and tested
        assert not {e.examination for e in trained} & {e.examination for e in tested}


def test_choices_never_look_at_the_untouched_fold() -> None:
    assert all(entry.fold != UNTOUCHED_FOLD for part in list_choice_parts() for entry in part)


def test_the_outer_fits_test_every_scan_once() -> None:
    tested = [entry.image for fold in range(FOLDS) for entry in list_outer_parts(fold)[1]]
    assert sorted(tested) == list(range(1, 1470))


def test_there_are_at_most_six_choices_which_all_train_equally_unless_they_say_so() -> None:
    assert len(CHOICES) <= 6
    assert {recipe.size for recipe in CHOICES.values()} == {(112, 176)}
    assert {name for name, r in CHOICES.items() if r.training.epochs != 20} == {"guided-stress-40-epochs"}
    assert choose_outer_recipe("stress").augmentation == CHOICES["stress"].augmentation
    assert choose_outer_recipe("stress").size == (168, 272)


def test_a_fold_is_looked_at_once_and_the_look_is_written_down(
    mmotu_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = shrink_recipe(CHOICES["guided-stress"])
    found = run_fit(mmotu_like, tmp_path / "fold-2", recipe, list_outer_parts(2), "none", None, "fold 2")
    assert len(found.images) == 32 and np.isfinite(found.logits).all()
    assert {e.image for e in list_outer_parts(2)[1]} >= set(found.images.tolist())
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    assert [(look["what"], look["scans"]) for look in looks] == [("fold 2", 32)]
    assert looks[0]["figures"]["iou"]["value"] == pytest.approx(found.iou.mean())

    changes = json.loads((tmp_path / "fold-2" / "stress.json").read_text())
    assert set(changes) == set(CHANGES)
    assert all(0 <= change["decisions"] <= 1 for change in changes.values())

    def never(*_: object) -> None:
        raise AssertionError("a finished fit looked at its fold again")

    monkeypatch.setattr(default_folds, "run_network", never)
    again = run_fit(mmotu_like, tmp_path / "fold-2", recipe, list_outer_parts(2), "none", None, "fold 2")
    assert np.array_equal(again.logits, found.logits)
    assert len((tmp_path / "looks.jsonl").read_text().splitlines()) == 1
    with pytest.raises(SettingError, match="other settings"):
        run_fit(mmotu_like, tmp_path / "fold-2", recipe, list_outer_parts(3), "none", None, "fold 2")
    with pytest.raises(SettingError, match="other settings"):
        other = replace(recipe, dice_weight=0.5)
        run_fit(mmotu_like, tmp_path / "fold-2", other, list_outer_parts(2), "none", None, "fold 2")


def test_a_fit_that_is_broken_off_goes_on_to_the_same_weights(
    mmotu_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(shrink_recipe(CHOICES["plain"]), training=Training(2, 8, "last epoch", ema=0.9))
    run_fit(mmotu_like, tmp_path / "unbroken", recipe, list_outer_parts(1), "none", None, "unbroken")

    class PowerCut(Exception):
        pass

    draw, drawn = default_folds.make_training_loader, []

    def cut(*arguments: object, **named: object) -> object:
        loader = draw(*arguments, **named)
        seen = loader.sampler.set_epoch

        def set_epoch(epoch: int) -> None:
            drawn.append(epoch)
            if epoch == 1:
                raise PowerCut
            seen(epoch)

        loader.sampler.set_epoch = set_epoch
        return loader

    with monkeypatch.context() as patch:
        patch.setattr(default_folds, "make_training_loader", cut)
        with pytest.raises(PowerCut):
            run_fit(mmotu_like, tmp_path / "broken", recipe, list_outer_parts(1), "none", None, "broken")
    assert drawn[-1] == 1 and (tmp_path / "broken" / "last.ckpt").exists()
    run_fit(mmotu_like, tmp_path / "broken", recipe, list_outer_parts(1), "none", None, "broken")
    unbroken, resumed = (
        torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("unbroken", "broken")
    )
    assert [name for name in unbroken if not torch.equal(unbroken[name], resumed[name])] == []


def held_out(logits: list[list[float]], labels: list[int], first: int) -> HeldOut:
    images = np.arange(first, first + len(labels))
    return HeldOut(images, images, np.array(labels), np.array(logits), np.ones(len(labels)))


def test_no_scan_has_a_part_in_the_temperature_of_its_own_risk() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 8, 400)
    logits = 4 * rng.normal(size=(400, 8)) + 3 * np.eye(8)[labels]
    one, two = held_out(logits.tolist(), labels.tolist(), 1), held_out(logits.tolist(), labels.tolist(), 401)
    changed = replace(two, labels=rng.permutation(two.labels))
    assert np.array_equal(pool_folds([one, two]).logits[400:], pool_folds([one, changed]).logits[400:])
    assert not np.array_equal(pool_folds([one, two]).logits[:400], pool_folds([one, changed]).logits[:400])
    assert pool_folds([one, two]).images.tolist() == list(range(1, 801))


def test_figures_draw_examinations_and_give_no_interval_for_few_malignant_ones() -> None:
    rng = np.random.default_rng(1)
    labels = np.array([7] * 6 + [5] * 60 + [0] * 60)
    found = HeldOut(
        np.arange(126), np.arange(126) // 3, labels, rng.normal(size=(126, 8)), rng.uniform(size=126)
    )
    result = compute_figures(found)
    assert set(result) == {"auc", "auc_against_normal_ovary", "accuracy_8_classes", "iou"}
    assert "2" in result["auc"].reason
    assert result["iou"].low < found.iou.mean() < result["iou"].high


def test_the_classes_do_not_move_the_outline_that_guides_them() -> None:
    network = build_network(NetworkSpec("efficientnet_lite0", "mtl", 8, guided=True))
    network(torch.rand(2, 1, 64, 96)).class_logits.sum().backward()
    assert network.lesion.weight.grad is None


def test_a_guided_head_reads_the_features_inside_the_outline() -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSpec("efficientnet_lite0", "mtl", 8, guided=True)).eval()
    read: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    last: list[torch.Tensor] = []
    network.features[-1].register_forward_hook(lambda _, __, x: last.append(x))
    scan = torch.rand(1, 1, 64, 96)
    with torch.inference_mode():
        network.lesion.weight.zero_()
        for bias in (20.0, -20.0):  # lesion everywhere, and nowhere
            network.lesion.bias.fill_(bias)
            network(scan)
    everywhere, nowhere = (given[0, -last[0].shape[1] :] for given in read)
    assert torch.allclose(everywhere, last[0].mean((2, 3))[0], rtol=1e-3)
    assert nowhere.abs().max() < 1e-3 * everywhere.abs().max()
    with pytest.raises(SettingError, match="task mtl"):
        NetworkSpec("efficientnet_lite0", "cls", 8, guided=True)


def test_thresholds_of_a_fold_are_chosen_on_the_others() -> None:
    rng = np.random.default_rng(2)
    folds = []
    for number in range(5):
        labels = np.array([7] * 30 + [5] * 60 + [0] * 110)
        logits = rng.normal(size=(200, 8)) + 2 * np.eye(8)[labels]
        images = np.arange(200) + 1000 * number
        folds.append(HeldOut(images, images // 2, labels, logits, rng.uniform(size=200)))
    result = compute_decisions(folds)
    assert result["sensitivity_at_0.95"].value > result["sensitivity_at_0.8"].value
    assert abs(result["sensitivity_at_0.8"].value - 0.8) < 0.1
    assert result["normal_ovaries_called_at_0.95"].value > result["normal_ovaries_called_at_0.8"].value
    assert result["specificity_at_0.8"].low < result["specificity_at_0.8"].value
    # The malignant scans of fold 0 decide nothing about fold 0: without them its calls stay.
    easy = replace(folds[0], logits=folds[0].logits + 9 * np.eye(8)[folds[0].labels])
    assert (
        compute_decisions([easy, *folds[1:]])["sensitivity_at_0.8"].value
        >= result["sensitivity_at_0.8"].value - 0.05
    )


def test_calibrated_risks_have_a_slope_of_one_and_overconfident_ones_less() -> None:
    rng = np.random.default_rng(3)
    logits = np.zeros((20000, 8))
    logits[:, 7] = rng.normal(-1, 2, 20000)
    images = np.arange(20000)
    found = HeldOut(images, images, np.zeros(20000, int), logits, np.ones(20000))
    found = replace(found, labels=np.where(rng.random(20000) < found.risk, 7, 0))
    assert measure_calibration(found)["slope"] == pytest.approx(1, abs=0.05)
    assert measure_calibration(found)["intercept"] == pytest.approx(0, abs=0.08)
    assert measure_calibration(found)["brier_skill"] > 0.1
    assert measure_calibration(replace(found, logits=3 * logits))["slope"] < 0.6


class ByBrightness(torch.nn.Module):
    """Calls bright scans malignant, and outlines what is dark."""

    def forward(self, scan: torch.Tensor) -> NetworkOutput:
        logits = torch.zeros(len(scan), 8)
        logits[:, 7] = 100 * (scan.mean((1, 2, 3)) - 0.5)
        return NetworkOutput(logits, 0.2 - scan, torch.zeros(len(scan), 1))


def test_stress_counts_who_changes_sides_and_moves_masks_along() -> None:
    levels = np.linspace(60, 190, 27).astype(np.uint8)
    scans = np.repeat(levels, 40 * 60).reshape(27, 40, 60).copy()
    masks = np.zeros(scans.shape, bool)
    masks[:, 10:20, 5:30] = True
    scans[masks] = 0
    entries = (
        tuple(e for e in read_split() if e.label == MALIGNANT)[:14]
        + tuple(e for e in read_split() if e.label != MALIGNANT)[:13]
    )
    held = PreparedScans(entries[::-1], scans, masks, "", np.zeros(27))
    network = ByBrightness()
    changes = measure_stress(network, held, run_network(network, held, "plain"), np.zeros(8))
    assert changes["mirrored"] == {"decisions": 0.0, "classes": 0.0, "iou": pytest.approx(0, abs=1e-6)}
    assert changes["gain 1.3"]["decisions"] > 0.1 and changes["gain 1.3"]["iou"] == pytest.approx(0, abs=1e-6)
    assert changes["in a border of 10 %"]["iou"] > 0.1  # the border is dark, and no lesion
    assert abs(changes["cropped by 8 %"]["iou"]) < 0.1


def test_a_gain_is_measured_on_the_same_examinations_and_never_across_other_scans() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 8, 300)
    hard = rng.normal(size=300) > 0
    logits = rng.normal(size=(300, 8)) + 3 * np.eye(8)[labels] * hard[:, None]
    images = np.arange(300)
    first = HeldOut(images, images // 3, labels, logits, 0.5 + 0.2 * hard)
    second = replace(first, iou=first.iou + 0.01)
    gain = compute_gains(first, replace(second, iou=second.iou + rng.normal(0, 0.01, 300)))
    assert set(gain) == {"accuracy_8_classes", "iou"}
    assert gain["iou"].low > 0.005 and gain["iou"].high < 0.015  # the scans' own spread of .1 cancels
    assert gain["accuracy_8_classes"].value == 0
    with pytest.raises(ValueError, match="different scans"):
        compute_gains(first, replace(first, images=images + 1))
