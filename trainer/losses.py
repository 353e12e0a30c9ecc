"""The losses of the thesis (THESIS, losses and training). Dice is MONAI's; the focal loss is not MONAI's.

MONAI's FocalLoss averages over classes too and applies alpha another way: another scale against Dice.
"""

import torch
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn.functional import cross_entropy

_dice = DiceLoss(sigmoid=True, batch=True, smooth_nr=1e-5, smooth_dr=1e-5)


def dice(lesion_logits: Tensor, mask: Tensor, has_mask: Tensor) -> Tensor:
    """1 - Dice on sigmoid, sums over the whole batch, only samples that have a mask.

    Args:
        lesion_logits, mask: (N, 1, H, W).
        has_mask: (N,) bool. Without any the loss is 0.
    """
    if not has_mask.any():
        return lesion_logits.sum() * 0
    return _dice(lesion_logits[has_mask], mask[has_mask])


def focal(class_logits: Tensor, label: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """alpha (1 - p)^gamma CE with p the true class's probability, mean over samples (MMOTU arms)."""
    loss = cross_entropy(class_logits, label, reduction="none")
    return (alpha * (1 - torch.exp(-loss)) ** gamma * loss).mean()
