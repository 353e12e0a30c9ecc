"""The losses against the formulas of the thesis, computed by hand in numpy."""

import numpy as np
import torch

from trainer.losses import dice, focal


def test_dice_sums_over_the_batch_and_leaves_out_what_has_no_mask() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 1, 5, 7)).astype(np.float32)
    mask = (rng.random((3, 1, 5, 7)) > 0.6).astype(np.float32)
    has_mask = np.array([True, False, True])
    p, y = 1 / (1 + np.exp(-logits[has_mask])), mask[has_mask]
    expected = 1 - (2 * (p * y).sum() + 1e-5) / (p.sum() + y.sum() + 1e-5)
    got = dice(torch.from_numpy(logits), torch.from_numpy(mask), torch.from_numpy(has_mask))
    assert abs(float(got) - expected) < 1e-6


def test_dice_without_any_mask_is_zero_and_can_be_differentiated() -> None:
    logits = torch.randn(2, 1, 4, 4, requires_grad=True)
    loss = dice(logits, torch.ones(2, 1, 4, 4), torch.tensor([False, False]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None and not logits.grad.any()


def test_focal_is_a_quarter_of_one_minus_p_squared_times_cross_entropy() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(6, 8))
    label = rng.integers(0, 8, 6)
    p = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[np.arange(6), label]
    expected = np.mean(0.25 * (1 - p) ** 2 * -np.log(p))
    assert abs(float(focal(torch.from_numpy(logits), torch.from_numpy(label))) - expected) < 1e-9
