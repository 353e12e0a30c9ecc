"""The thesis's own denoiser: its U-Net with one linear output, which has to be clipped."""

from torch import Tensor, nn

from trainer.models.network import Network
from trainer.models.spec import NetworkSpec
from trainer.models.unet import unet


class UNetDenoiser(nn.Module):
    """The segmentation network with another meaning.

    Args:
        width: channels of the first level; 64 in the thesis.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.network = Network(unet(width=width), NetworkSpec("unet", "seg", classes=2, unet_width=width))

    def forward(self, scan: Tensor) -> Tensor:
        """Remove annotations: (N, 1, H, W) in [0, 1] -> the same, but for values beyond the ends."""
        clean: Tensor = self.network(scan).lesion_logits
        return clean
