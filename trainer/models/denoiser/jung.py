"""The last denoiser of the author's code (THESIS, networks): squeeze-excitation, dilated latent, no skips."""

from torch import Tensor, nn

from trainer.models.denoiser.match import match_size
from trainer.models.efficientnet import SqueezeExcite
from trainer.models.heads import build_double_conv

_DILATIONS = (2, 4, 8, 16)


class Jung(nn.Module):
    """Three levels of double convolutions with channel attention, four dilated convolutions, and back up.

    Args:
        width: channels of the first level; 128 in the code, the others in proportion.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        widths = [width << level for level in range(3)]
        layers: list[nn.Module] = []
        for given, out in zip([1, *widths], widths, strict=False):
            layers += [*build_double_conv(given, out), SqueezeExcite(out, max(1, out // 16))]
            layers += [nn.MaxPool2d(2, ceil_mode=True)]
        for dilation in _DILATIONS:
            conv = nn.Conv2d(widths[-1], widths[-1], 3, padding=dilation, dilation=dilation)
            layers += [conv, nn.ReLU(inplace=True)]
        for given, out in zip(reversed(widths), [*reversed(widths[:-1]), widths[0]], strict=True):
            layers += [nn.ConvTranspose2d(given, out, 2, 2), *build_double_conv(out, out)]
            layers += [SqueezeExcite(out, max(1, out // 16))]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[0], 1, 1), nn.Sigmoid())

    def forward(self, scan: Tensor) -> Tensor:
        """Remove annotations: (N, 1, H, W) in [0, 1] -> the scan without them, the same."""
        return match_size(self.layers(scan), scan)
