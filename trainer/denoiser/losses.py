"""What denoisers minimise: the thesis's losses (THESIS, losses and training), and that of the edge's."""

from collections.abc import Mapping

from monai.losses.ssim_loss import SSIMLoss
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from trainer.models.denoiser.edge import EdgeOutput

_ssim = SSIMLoss(spatial_dims=2, data_range=1.0)
_PAINT, _FOUND = 20.0, 0.5  # weights against the cross-entropy: a squared error of .005 counts .1
_ELSEWHERE = 0.02  # of a pixel that is not annotated against one that is
_EPS = 1e-6


def compute_restoration_loss(
    clean: Tensor, batch: Mapping[str, Tensor], alpha: float, beta: float, ssim: float
) -> dict[str, Tensor]:
    """Compute sum(w (clean - prediction)^2) / sum(w) + ssim (1 - SSIM).

    Args:
        clean: (N, 1, H, W), a network's prediction.
        batch: scan, clean, mask and restorable, (N, 1, H, W). The weight w is `alpha` where annotated, `beta`
            elsewhere, and 0 where a real annotation hides the tissue. There SSIM gets the truth, which is not
            an error. Plain MSE has alpha and beta 1.
    """
    known = batch["restorable"]
    weight = (beta + (alpha - beta) * batch["mask"]) * known
    parts = {"mse": (weight * (clean - batch["clean"]).square()).sum() / (weight.sum() + _EPS)}
    loss = parts["mse"]
    if ssim:
        filled = clean * known + batch["clean"] * (1 - known)
        parts["ssim"] = _ssim(filled, batch["clean"])
        loss = loss + ssim * parts["ssim"]
    return {"loss": loss, **parts}


def compute_edge_loss(output: EdgeOutput, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Compute cross-entropy and Dice of the mask, squared error of what is painted and of ink that is left.

    Args:
        batch: scan, mask, known, clean, restorable, (N, 1, H, W).
    """
    mask, known = batch["mask"], batch["known"]
    entropy = binary_cross_entropy_with_logits(output.annotation_logits, mask, known, reduction="sum")
    entropy = entropy / known.sum()
    probability = output.annotation_logits.sigmoid()
    believed = probability * known
    dice = 1 - (2 * (believed * mask).sum() + 1) / (believed.sum() + (mask * known).sum() + 1)
    weight = (mask + _ELSEWHERE) * batch["restorable"]
    total = weight.sum() + _EPS
    error = (weight * (output.clean - batch["clean"]).square()).sum() / total
    left = (1 - probability) * batch["mask"] * batch["restorable"]
    missed = (left * (batch["scan"] - batch["clean"]).square()).sum() / total
    loss = entropy + _FOUND * dice + _PAINT * (error + missed)
    return {"loss": loss, "entropy": entropy, "dice": dice, "error": error, "missed": missed}
