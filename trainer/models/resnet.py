"""ResNet (He et al., CVPR 2016) for one grey channel, for the thesis's comparison of backbones.

Structure and parameter names are those of torchvision's resnet18 and resnet50 (stride on the 3 x 3
convolution of a bottleneck), so that its ImageNet weights load by name, all but the stem.
"""

from collections import OrderedDict

from torch import Tensor, nn

from trainer.models.encoder import Encoder


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        output: Tensor = self.relu(y + (x if self.downsample is None else self.downsample(x)))
        return output


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 convolutions and a shortcut."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * self.expansion
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        output: Tensor = self.relu(y + (x if self.downsample is None else self.downsample(x)))
        return output


def resnet18(in_channels: int = 1) -> Encoder:
    return _resnet(BasicBlock, (2, 2, 2, 2), in_channels)


def resnet50(in_channels: int = 1) -> Encoder:
    return _resnet(Bottleneck, (3, 4, 6, 3), in_channels)


def _resnet(block: type[BasicBlock | Bottleneck], depths: tuple[int, ...], in_channels: int) -> Encoder:
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(in_channels, 64, 7, 2, 3, bias=False),
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.MaxPool2d(3, 2, 1),
    )
    channels = 64
    for level, depth in enumerate(depths):
        width, layers = 64 << level, []
        for index in range(depth):
            layers.append(block(channels, width, 2 if level and not index else 1))
            channels = width * block.expansion
        stages[f"layer{level + 1}"] = nn.Sequential(*layers)
    sequence = nn.Sequential(stages)
    for part in sequence.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    return Encoder(sequence, pooled=((len(sequence) - 1, channels),), channels=channels)


def _shortcut(channels: int, out: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
