"""The plain autoencoder of the thesis (THESIS, networks): no skips, so detail has to pass the bottleneck."""

from torch import Tensor, nn

from trainer.models.denoiser.match import match_size
from trainer.models.heads import build_double_conv


class Autoencoder(nn.Module):
    """Three halvings, a latent of 512 and 256 channels, three transposed convolutions, sigmoid.

    Args:
        width: channels of the first level; 64 in the thesis, the others in proportion.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        first, second, third, latent = (width << level for level in range(4))
        self.layers = nn.Sequential(
            *(*build_double_conv(1, first), nn.MaxPool2d(2, ceil_mode=True)),
            *(*build_double_conv(first, second), nn.MaxPool2d(2, ceil_mode=True)),
            *(*build_double_conv(second, third), nn.MaxPool2d(2, ceil_mode=True)),
            *(nn.Conv2d(third, latent, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(latent, third, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(third, second, 2, 2), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(second, first, 2, 2), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(first, first, 2, 2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(first, 1, 3, padding=1), nn.Sigmoid()),
        )

    def forward(self, scan: Tensor) -> Tensor:
        """Remove annotations: (N, 1, H, W) in [0, 1] -> the scan without them, the same."""
        return match_size(self.layers(scan), scan)
