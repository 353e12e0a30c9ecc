"""The optimiser that a configuration names, and how its learning rate changes."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from trainer.settings.configuration import Optimiser


def build_optimiser(parameters: Iterable[nn.Parameter], settings: Optimiser) -> torch.optim.Optimizer:
    """Build torch's optimiser."""
    lr, decay = settings.lr, settings.weight_decay
    if settings.name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=settings.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(parameters, lr=lr, weight_decay=decay)


def build_schedule(
    moved: torch.optim.Optimizer, settings: Optimiser, steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Build the share of the learning rate at each of `steps`."""
    rise = max(1, round(settings.warmup * steps))

    def share(step: int) -> float:
        if settings.schedule == "constant":
            return 1.0
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    return torch.optim.lr_scheduler.LambdaLR(moved, share)
