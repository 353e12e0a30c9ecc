"""The convolutional stages of EfficientNet-B0 (Tan and Le, ICML 2019) and -Lite0, for one grey channel.

The stages, their symmetric padding and their parameter names are those of torchvision's
`efficientnet_b0().features`, so odd sizes work and its ImageNet weights load by name. Lite0 (Liu,
"Higher accuracy on vision models with EfficientNet-Lite", TensorFlow blog, 2020) has the same stages without
squeeze and excite, and ReLU6 in place of SiLU: cheaper, and its activations fit into 8 bits.
"""

import torch
from torch import Tensor, nn

from trainer.models.encoder import Encoder

# Expansion, kernel, stride, channels out, blocks: table 1 of the paper.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM_CHANNELS = 32
FEATURE_CHANNELS = 1280
_EPS, _LITE_EPS = 1e-5, 1e-3  # of the batch norms, as the ImageNet weights were trained with


def efficientnet(*, lite: bool, stochastic_depth: float = 0.2) -> Encoder:
    """Build the encoder with the skips and the decoder widths of the thesis (THESIS, networks)."""
    return Encoder(
        stages=efficientnet_features(lite=lite, stochastic_depth=stochastic_depth),
        pooled=((8, FEATURE_CHANNELS),),
        channels=FEATURE_CHANNELS,
        skips=((0, STEM_CHANNELS), (2, 24), (3, 40), (4, 80)),
        decoded=(80, 40, 24, 16),
        look=(1, 2, 3),
    )


def efficientnet_features(
    in_channels: int = 1, *, lite: bool = False, stochastic_depth: float = 0.2
) -> nn.Sequential:
    """Build stages 0 to 8: (N, in_channels, H, W) -> (N, 1280, H/32, W/32), sizes rounded up.

    Args:
        lite: Lite0, else B0.
        stochastic_depth: probability that the last block is skipped; grows linearly from 0 at the first.
    """
    stages: list[nn.Module] = [_conv_bn(in_channels, STEM_CHANNELS, lite, kernel=3, stride=2)]
    channels, block, blocks = STEM_CHANNELS, 0, sum(stage[4] for stage in _STAGES)
    for expansion, kernel, stride, out, repeats in _STAGES:
        layers = []
        for repeat in range(repeats):
            drop = stochastic_depth * block / blocks
            layers.append(
                InvertedResidual(channels, out, expansion, kernel, stride if repeat == 0 else 1, drop, lite)
            )
            channels, block = out, block + 1
        stages.append(nn.Sequential(*layers))
    stages.append(_conv_bn(channels, FEATURE_CHANNELS, lite, kernel=1))
    return nn.Sequential(*stages)


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, squeeze and excite, project; a residual where shapes agree."""

    def __init__(
        self, channels: int, out: int, expansion: int, kernel: int, stride: int, drop: float, lite: bool
    ) -> None:
        super().__init__()
        wide = channels * expansion
        expand = [] if expansion == 1 else [_conv_bn(channels, wide, lite, kernel=1)]
        excite = [] if lite else [SqueezeExcite(wide, channels // 4)]
        layers = [
            *expand,
            _conv_bn(wide, wide, lite, kernel=kernel, stride=stride, groups=wide),
            *excite,
            _conv_bn(wide, out, lite, kernel=1)[:2],
        ]
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and channels == out
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        if not self.residual:
            return y
        if self.training and self.drop:
            keep = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop
            y = y * keep.to(y.dtype) / (1 - self.drop)
        return x + y


class SqueezeExcite(nn.Module):
    """Channel attention from the global average (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = nn.functional.silu(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(scale))


def _conv_bn(
    channels: int, out: int, lite: bool, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Build a convolution, batch norm, activation."""
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out, eps=_LITE_EPS if lite else _EPS),
        nn.ReLU6(inplace=True) if lite else nn.SiLU(inplace=True),
    )
