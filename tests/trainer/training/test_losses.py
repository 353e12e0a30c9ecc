"""The losses against the formulas of the thesis, computed by hand in numpy."""

import numpy as np
import pytest
import torch

from trainer.models.network import NetworkOutput
from trainer.settings.configuration import Loss
from trainer.training.losses import compute_dice_loss, compute_focal_loss, compute_terms


def test_dice_sums_over_the_batch_and_leaves_out_what_has_no_mask() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 1, 5, 7)).astype(np.float32)
    mask = (rng.random((3, 1, 5, 7)) > 0.6).astype(np.float32)
    has_mask = np.array([True, False, True])
    p, y = 1 / (1 + np.exp(-logits[has_mask])), mask[has_mask]
    expected = 1 - (2 * (p * y).sum() + 1e-5) / (p.sum() + y.sum() + 1e-5)
    got = compute_dice_loss(torch.from_numpy(logits), torch.from_numpy(mask), torch.from_numpy(has_mask))
    assert abs(float(got) - expected) < 1e-6


def test_dice_without_any_mask_is_zero_and_can_be_differentiated() -> None:
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    loss = compute_dice_loss(logits, torch.ones(2, 1, 4, 4), torch.tensor([False, False]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None and not logits.grad.any()


def test_focal_is_a_quarter_of_one_minus_p_squared_times_cross_entropy() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6, 8))
    label = rng.integers(0, 8, 6)
    p = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[np.arange(6), label]
    expected = np.mean(0.25 * (1 - p) ** 2 * -np.log(p))
    assert abs(float(compute_focal_loss(torch.from_numpy(logits), torch.from_numpy(label))) - expected) < 1e-9


def example() -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(3)
    mask = (torch.rand(4, 1, 5, 7, generator=generator) > 0.5).float()
    batch = {
        "mask": mask,
        "has_mask": torch.tensor([True] * 3 + [False]),
        "label": torch.tensor([0, 1, 1, 0]),
    }
    return torch.randn(4, 2, generator=generator), torch.randn(4, 1, 5, 7, generator=generator), batch


def test_the_multitask_loss_is_three_tenths_of_dice_and_weighted_cross_entropy() -> None:
    logits, lesion, batch = example()
    got = compute_terms(NetworkOutput(logits, lesion, None), batch, Loss(class_weights=(1.0, 2.0)))
    z, y = logits.double().numpy(), batch["label"].numpy()
    per_sample = -(z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(4), y]
    weights = np.array([1.0, 2.0])[y]
    expected = (weights * per_sample).sum() / weights.sum()
    seg = float(compute_dice_loss(lesion, batch["mask"], batch["has_mask"]))
    assert float(got["classification"]) == pytest.approx(expected, abs=1e-6)
    assert float(got["dice"]) == pytest.approx(seg)
    assert float(got["loss"]) == pytest.approx(0.3 * seg + expected, abs=1e-6)


def test_the_focal_loss_takes_its_two_numbers_from_the_settings() -> None:
    logits, _, batch = example()
    settings = Loss(classification="focal", focal_alpha=0.5, focal_gamma=1.0)
    got = compute_terms(NetworkOutput(logits, None, None), batch, settings)
    assert float(got["loss"]) == float(compute_focal_loss(logits, batch["label"], 0.5, 1.0))


def test_a_single_task_is_not_weighed() -> None:
    logits, lesion, batch = example()
    seg = compute_terms(NetworkOutput(None, lesion, None), batch, Loss())
    cls = compute_terms(NetworkOutput(logits, None, None), batch, Loss(classification_weight=5.0))
    assert set(seg) == {"loss", "dice"} and seg["loss"] is seg["dice"]
    assert set(cls) == {"loss", "classification"} and cls["loss"] is cls["classification"]


def test_logits_in_bfloat16_give_a_loss_in_float32() -> None:
    logits, lesion, batch = example()
    got = compute_terms(
        NetworkOutput(logits.bfloat16(), lesion.bfloat16(), None), batch, Loss(class_weights=(1, 2))
    )
    assert {value.dtype for value in got.values()} == {torch.float32}
