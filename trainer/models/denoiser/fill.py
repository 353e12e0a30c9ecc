"""Inpainting without learning: pixels that are kept lend their values to those that are not.

Pull and push (Gortler et al., The Lumigraph, SIGGRAPH 1996): weighted averages at ever lower resolution, then
back up, where each level fills what the finer one does not know. A few steps of diffusion then carry what
borders on a stroke into it, which averages blur. Plain pooling and convolutions, so that it is part of an
exported graph.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

_LEVELS = 3  # halvings
_STEPS = 3  # of diffusion: strokes are two to six pixels wide
_TRUST = 4.0  # a level is believed in full where at least one part in so many is kept
_EPS = 1e-4


def fill_in(scan: Tensor, keep: Tensor) -> Tensor:
    """Fill the pixels of a scan that are not kept with the values around them.

    Args:
        scan: (N, 1, H, W); H and W are multiples of 8.
        keep: (N, 1, H, W), how much a pixel is kept, from 0 to 1.

    Returns:
        (N, 1, H, W).
    """
    level, levels = torch.cat([scan * keep, keep], dim=1), []
    for _ in range(_LEVELS):
        level = avg_pool2d(level, 2)
        levels.append(level)
    filled = _merge(levels.pop(), _average(level.mean((2, 3), keepdim=True))[0])
    for level in reversed(levels):
        filled = _merge(level, _enlarge(filled))
    kept, lost = keep * scan, 1 - keep
    filled = kept + lost * _enlarge(filled)
    neighbours = scan.new_tensor([[[[1, 2, 1], [2, 0, 2], [1, 2, 1]]]]) / 12
    for _ in range(_STEPS):
        filled = kept + lost * conv2d(pad(filled, (1, 1, 1, 1), "replicate"), neighbours)
    return filled


def _merge(level: Tensor, coarser: Tensor) -> Tensor:
    """Merge what this level knows with `coarser`, where it knows too little."""
    binomial = level.new_tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]).expand(2, 1, 3, 3) / 16
    value, weight = _average(conv2d(level, binomial, padding=1, groups=2))
    trust = (_TRUST * weight).clamp(max=1)
    return trust * value + (1 - trust) * coarser


def _average(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Compute weighted mean and weight of (N, 2, h, w): sums of values and of weights."""
    weight = sums[:, 1:]
    return sums[:, :1] / (weight + _EPS), weight


def _enlarge(plane: Tensor) -> Tensor:
    return interpolate(plane, scale_factor=2, mode="bilinear", align_corners=False)
