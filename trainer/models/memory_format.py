"""Where a network's weights lie in memory."""

import torch
from torch import nn


def use_channels_last(network: nn.Module) -> None:
    """Lay the weights of `network` out with their channels last, as fast convolutions want them."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own stub lacks it
