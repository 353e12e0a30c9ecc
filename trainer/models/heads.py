"""What stands on an encoder: the classification head, the clinical branch, one step of a decoder."""

import torch
from torch import Tensor, nn

from trainer.models.spec import Surplus

CLINICAL_FEATURES = 128


def build_classification_head(
    features: int, classes: int, dropout: float, hidden: tuple[int, ...]
) -> nn.Sequential:
    """Build the head: pooled features, with the clinical branch if any -> logits (THESIS, networks)."""
    layers: list[nn.Module] = []
    for index, width in enumerate(hidden):
        layers += [nn.Linear(features, width), nn.ReLU(inplace=True)]
        layers += [nn.Dropout(dropout)] if index == 0 else []
        features = width
    return nn.Sequential(*layers, nn.Linear(features, classes))


def build_clinical_branch(inputs: int) -> nn.Sequential:
    """Build the branch: clinical facts as 0/1 -> 128 features (thesis, figure 5)."""
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.ReLU(inplace=True), nn.Linear(64, CLINICAL_FEATURES), nn.ReLU(inplace=True)
    )


class UpStep(nn.Module):
    """Transposed convolution that halves the channels, concatenation with the skip, double convolution."""

    def __init__(self, channels: int, skip: int, out: int, surplus: Surplus = "bottom") -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, 2)
        self.convs = build_double_conv(channels // 2 + skip, out)
        self.surplus = surplus

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        # Encoders round odd sizes up: the surplus row and column lie at the bottom and the right.
        height, width = skip.shape[2:]
        up = self.up(x)
        if self.surplus == "bottom":
            up = up[:, :, :height, :width]
        else:
            up = up[:, :, up.shape[2] - height :, up.shape[3] - width :]
        output: Tensor = self.convs(torch.cat([up, skip], dim=1))
        return output


def build_double_conv(channels: int, out: int) -> nn.Sequential:
    """Build twice: 3 x 3 convolution, batch norm, ReLU."""
    layers: list[nn.Module] = []
    for given in (channels, out):
        layers += [
            nn.Conv2d(given, out, 3, padding=1, bias=False),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
