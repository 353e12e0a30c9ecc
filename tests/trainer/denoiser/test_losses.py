"""The losses are the formulas, and look at nothing whose truth is unknown."""

import pytest
import torch
from monai.losses.ssim_loss import SSIMLoss

from trainer.denoiser.losses import compute_edge_loss, compute_restoration_loss
from trainer.models.denoiser.edge import EdgeOutput


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    mask = (torch.rand(2, 1, 24, 24) > 0.8).float()
    ones = torch.ones_like(mask)
    clean = torch.rand_like(mask)
    scan = torch.where(mask > 0, torch.rand_like(mask), clean)
    return {"scan": scan, "mask": mask, "known": ones, "restorable": ones, "clean": clean}


def test_weighted_mse_is_the_formula(batch: dict[str, torch.Tensor]) -> None:
    given = torch.rand_like(batch["clean"])
    weight = torch.where(batch["mask"] > 0, 300.0, 1.0)
    expected = (weight * (batch["clean"] - given) ** 2).sum() / weight.sum()
    torch.testing.assert_close(compute_restoration_loss(given, batch, 300, 1, 0)["loss"], expected)


def test_plain_mse_and_ssim(batch: dict[str, torch.Tensor]) -> None:
    given = torch.rand_like(batch["clean"])
    mse = (batch["clean"] - given).square().mean()
    ssim = SSIMLoss(2, data_range=1.0)(given, batch["clean"])
    torch.testing.assert_close(compute_restoration_loss(given, batch, 1, 1, 0.05)["loss"], mse + 0.05 * ssim)


def test_what_is_unknown_changes_no_loss(batch: dict[str, torch.Tensor]) -> None:
    unknown = torch.zeros_like(batch["mask"])
    unknown[:, :, :, :12] = 1
    batch |= {"known": 1 - unknown, "restorable": 1 - unknown}
    given, logits = torch.rand_like(unknown), torch.randn_like(unknown)
    other = torch.where(unknown > 0, torch.rand_like(given), given)
    other_logits = torch.where(unknown > 0, torch.randn_like(given), logits)
    assert (other != given).any()
    for ssim in (0.0, 0.05):
        torch.testing.assert_close(
            compute_restoration_loss(given, batch, 300, 1, ssim)["loss"],
            compute_restoration_loss(other, batch, 300, 1, ssim)["loss"],
        )
    losses = [
        compute_edge_loss(EdgeOutput(*pair), batch)["loss"]
        for pair in ((logits, given), (other_logits, other))
    ]
    torch.testing.assert_close(*losses)


def test_the_truth_costs_the_edge_nearly_nothing(batch: dict[str, torch.Tensor]) -> None:
    sure = EdgeOutput(20 * (2 * batch["mask"] - 1), batch["clean"])
    wrong = EdgeOutput(-sure.annotation_logits, 1 - batch["clean"])
    assert compute_edge_loss(sure, batch)["loss"] < 1e-4 < 1 < compute_edge_loss(wrong, batch)["loss"]


def test_ink_that_stands_out_costs_more_where_it_is_missed(batch: dict[str, torch.Tensor]) -> None:
    missed = EdgeOutput(torch.full_like(batch["mask"], -20.0), batch["clean"])
    faint = batch | {"scan": batch["clean"] + 0.1 * batch["mask"]}
    strong = batch | {"scan": batch["clean"] + 0.5 * batch["mask"]}
    parts = [compute_edge_loss(missed, given) for given in (faint, strong)]
    torch.testing.assert_close(parts[1]["missed"], 25 * parts[0]["missed"])
    torch.testing.assert_close(parts[1]["entropy"], parts[0]["entropy"])
    assert parts[1]["loss"] > parts[0]["loss"]
