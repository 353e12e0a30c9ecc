"""The one place where the name of a denoiser becomes the network."""

from typing import Literal

from torch import nn

from trainer.models.denoiser.autoencoder import Autoencoder
from trainer.models.denoiser.jung import Jung
from trainer.models.denoiser.unet import UNetDenoiser

DenoiserName = Literal["autoencoder", "unet", "jung"]


def build_denoiser(name: DenoiserName, width: int = 64) -> nn.Module:
    """Build a denoiser of whole scans, (N, 1, H, W) -> the same, initialised from torch's generator.

    Args:
        width: 64 gives the widths of the thesis and of its author's code; less, all of them in proportion.
    """
    if name == "jung":
        return Jung(2 * width)
    return {"autoencoder": Autoencoder, "unet": UNetDenoiser}[name](width)
