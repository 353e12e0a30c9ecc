"""The optimiser that a configuration names."""

from collections.abc import Iterable

import torch
from torch import nn

from trainer.configuration import Optimiser


def optimiser(parameters: Iterable[nn.Parameter], settings: Optimiser) -> torch.optim.Optimizer:
    """torch's, with a constant learning rate."""
    lr, decay = settings.lr, settings.weight_decay
    if settings.name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=settings.momentum, weight_decay=decay)
    kind = torch.optim.AdamW if settings.name == "adamw" else torch.optim.Adam
    return kind(parameters, lr=lr, weight_decay=decay)
