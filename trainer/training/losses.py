"""The losses of the thesis (THESIS, losses and training). Dice is MONAI's; the focal loss is not MONAI's.

MONAI's FocalLoss averages over classes too and applies alpha another way: another scale against Dice.
"""

from collections.abc import Mapping

import torch
from monai.losses.dice import DiceLoss
from torch import Tensor
from torch.nn.functional import cross_entropy

from trainer.models.network import NetworkOutput
from trainer.settings.configuration import Loss

_dice = DiceLoss(sigmoid=True, batch=True, smooth_nr=1e-5, smooth_dr=1e-5)


def compute_dice_loss(lesion_logits: Tensor, mask: Tensor, has_mask: Tensor) -> Tensor:
    """Compute 1 - Dice on sigmoid, sums over the whole batch, only samples that have a mask.

    Args:
        lesion_logits, mask: (N, 1, H, W).
        has_mask: (N,) bool. Without any the loss is 0.
    """
    if not has_mask.any():
        return lesion_logits.sum() * 0
    loss: Tensor = _dice(lesion_logits[has_mask], mask[has_mask])
    return loss


def compute_focal_loss(
    class_logits: Tensor, label: Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> Tensor:
    """Compute alpha (1 - p)^gamma CE with p the true class's probability, mean over samples (MMOTU arms)."""
    loss = cross_entropy(class_logits, label, reduction="none")
    return (alpha * (1 - torch.exp(-loss)) ** gamma * loss).mean()


def compute_terms(output: NetworkOutput, batch: Mapping[str, Tensor], settings: Loss) -> dict[str, Tensor]:
    """Compute what is minimised, and what it is made of.

    Args:
        output: of the network; logits in any precision, the losses are computed in float32.
        batch: mask (N, 1, H, W), has_mask (N,) bool, label (N,): those that the network's task needs.

    Returns:
        "loss", and "dice", "classification" or both, unweighted. A single task's loss is its only term,
        without its weight: there is nothing that it could be weighed against.
    """
    parts: dict[str, Tensor] = {}
    if output.lesion_logits is not None:
        parts["dice"] = compute_dice_loss(output.lesion_logits.float(), batch["mask"], batch["has_mask"])
    if output.class_logits is not None:
        parts["classification"] = _compute_classification_loss(
            output.class_logits.float(), batch["label"], settings
        )
    if len(parts) == 1:
        return {"loss": next(iter(parts.values())), **parts}
    loss = settings.dice_weight * parts["dice"] + settings.classification_weight * parts["classification"]
    return {"loss": loss, **parts}


def _compute_classification_loss(class_logits: Tensor, label: Tensor, settings: Loss) -> Tensor:
    if settings.classification == "focal":
        return compute_focal_loss(class_logits, label, settings.focal_alpha, settings.focal_gamma)
    weights = class_logits.new_tensor(settings.class_weights) if settings.class_weights else None
    return cross_entropy(class_logits, label, weights)
