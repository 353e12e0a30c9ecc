"""What stands on an encoder: the classification head, the clinical branch, one step of a decoder."""

import torch
from torch import Tensor, nn

CLINICAL_FEATURES = 128


def classification_head(features: int, classes: int, dropout: float = 0.25) -> nn.Sequential:
    """Pooled features, with the clinical branch where there is one -> logits (THESIS, networks)."""
    return nn.Sequential(
        nn.Linear(features, 256),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Linear(256, 64),
        nn.ReLU(inplace=True),
        nn.Linear(64, classes),
    )


def clinical_branch(inputs: int) -> nn.Sequential:
    """Clinical facts as 0/1 -> 128 features (thesis, figure 5)."""
    return nn.Sequential(
        nn.Linear(inputs, 64), nn.ReLU(inplace=True), nn.Linear(64, CLINICAL_FEATURES), nn.ReLU(inplace=True)
    )


class UpStep(nn.Module):
    """Transposed convolution that halves the channels, concatenation with the skip, double convolution."""

    def __init__(self, channels: int, skip: int, out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, 2)
        self.convs = nn.Sequential(*_conv_bn_relu(channels // 2 + skip, out), *_conv_bn_relu(out, out))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        # Encoders round odd sizes up: the surplus row and column lie at the bottom and the right.
        up = self.up(x)[:, :, : skip.shape[2], : skip.shape[3]]
        return self.convs(torch.cat([up, skip], dim=1))


def _conv_bn_relu(channels: int, out: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
