"""Figures of merit of single images. Their means, with intervals: trainer/statistics."""

from torch import Tensor


def compute_iou(predicted: Tensor, true: Tensor) -> Tensor:
    """Compute intersection over union, (N, 1, H, W) bool each -> (N,). Two empty masks agree: 1."""
    both = (predicted & true).sum((1, 2, 3))
    either = (predicted | true).sum((1, 2, 3))
    return (both + (either == 0)) / either.clamp(min=1)
