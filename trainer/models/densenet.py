"""DenseNet-121 (Huang et al., CVPR 2017) for one grey channel, for the thesis's comparison of backbones.

Structure and parameter names are those of torchvision's densenet121, so that its ImageNet weights load by
name, all but the stem.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from trainer.models.encoder import Encoder

_GROWTH, _BOTTLENECK, _STEM = 32, 4, 64
_BLOCKS = (6, 12, 24, 16)


class DenseLayer(nn.Sequential):
    """Adds 32 channels, computed from all that came before, to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            OrderedDict(
                norm1=nn.BatchNorm2d(channels),
                relu1=nn.ReLU(inplace=True),
                conv1=nn.Conv2d(channels, _BOTTLENECK * _GROWTH, 1, bias=False),
                norm2=nn.BatchNorm2d(_BOTTLENECK * _GROWTH),
                relu2=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(_BOTTLENECK * _GROWTH, _GROWTH, 3, padding=1, bias=False),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        new = x
        for layer in self:
            new = layer(new)
        return torch.cat([x, new], dim=1)


def densenet121(in_channels: int = 1) -> Encoder:
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        conv0=nn.Conv2d(in_channels, _STEM, 7, 2, 3, bias=False),
        norm0=nn.BatchNorm2d(_STEM),
        relu0=nn.ReLU(inplace=True),
        pool0=nn.MaxPool2d(3, 2, 1),
    )
    channels = _STEM
    for number, layers in enumerate(_BLOCKS, start=1):
        block: OrderedDict[str, nn.Module] = OrderedDict()
        for layer in range(1, layers + 1):
            block[f"denselayer{layer}"] = DenseLayer(channels)
            channels += _GROWTH
        stages[f"denseblock{number}"] = nn.Sequential(block)
        if number < len(_BLOCKS):
            stages[f"transition{number}"] = _transition(channels)
            channels //= 2
    stages["norm5"] = nn.BatchNorm2d(channels)
    stages["relu5"] = nn.ReLU(inplace=True)
    sequence = nn.Sequential(stages)
    for part in sequence.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    return Encoder(sequence, pooled=((len(sequence) - 1, channels),), channels=channels)


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )
