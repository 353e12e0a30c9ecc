"""The denoiser of the edge: one small U-Net that finds burned-in annotations and paints tissue over them.

Strokes are one pixel wide, so finding them asks for full resolution, with few channels; what to paint asks
for surroundings, at an eighth of the resolution, where channels are cheap. Widths are multiples of 16
below full resolution, as onnxruntime's blocked convolutions like them: 24 channels cost as much as 32.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.models.denoiser.fill import fill_in

STRIDE = 8  # rows and columns of the input are multiples of it


class EdgeOutput(NamedTuple):
    """What training needs, before anything is clipped.

    Attributes:
        annotation_logits: (N, 1, H, W).
        clean: (N, 1, H, W): what lies around annotations carried into them, with a residual added.
    """

    annotation_logits: Tensor
    clean: Tensor


class EdgeDenoiser(nn.Module):
    """Detector and inpainter in one.

    Args:
        widths: channels at full, half, quarter and eighth resolution.
        dilations: of the residual blocks at an eighth: how far the network looks.
    """

    def __init__(
        self, widths: tuple[int, ...] = (8, 16, 32, 64), dilations: tuple[int, ...] = (2, 4)
    ) -> None:
        super().__init__()
        full, half, *_, last = widths
        self.full = _make_conv(2, full)
        self.down = nn.ModuleList()
        for wide, wider in pairwise(widths[:-1]):
            self.down.append(nn.Sequential(_make_conv(wide, wider, stride=2), _make_conv(wider, wider)))
        self.down.append(
            nn.Sequential(_make_conv(widths[-2], last, stride=2), *(_Residual(last, d) for d in dilations))
        )
        self.narrow = nn.ModuleList(nn.Conv2d(w, n, 1) for n, w in reversed(list(pairwise(widths[1:]))))
        self.up = nn.ModuleList(_make_conv(n, n) for n in reversed(widths[1:-1]))
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.to_full = nn.ConvTranspose2d(half, full, 2, stride=2)
        self.merge = nn.Sequential(_make_conv(full, full), _make_conv(full, full))
        self.out = nn.Conv2d(full, 2, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(self, scan: Tensor, chroma: Tensor) -> tuple[Tensor, Tensor]:
        """Run on (N, 1, H, W) both, in [0, 1] -> annotation_probability and clean, (N, H, W) in [0, 1]."""
        output = self.raw(scan, chroma)
        return output.annotation_logits[:, 0].sigmoid(), output.clean[:, 0].clamp(0, 1)

    def raw(self, scan: Tensor, chroma: Tensor) -> EdgeOutput:
        """Run the same before sigmoid and clipping."""
        x = full = self.full(torch.cat([scan, chroma], dim=1))
        kept = []
        for down in self.down:
            x = down(x)
            kept.append(x)
        x = kept.pop()
        for narrow, up in zip(self.narrow, self.up, strict=True):
            x = up(self.enlarge(narrow(x)) + kept.pop())
        output = self.out(self.merge(self.to_full(x) + full))
        # Detached: finding is not taught by how well one can paint.
        tissue = 1 - output[:, :1].detach().float().sigmoid()
        # To the fourth power: a pixel that may be annotated lends little to its neighbours.
        return EdgeOutput(output[:, :1], fill_in(scan, tissue.square().square()) + output[:, 1:])


class _Residual(nn.Module):
    """He et al., CVPR 2016, with dilated convolutions."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            _make_conv(channels, channels, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.convs(x))


def _make_conv(channels: int, out: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Build a 3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, dilation, dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
