"""The EfficientNet-B0 multitask network: one encoder, a decoder for the lesion, a head for its class."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.models.efficientnet import FEATURE_CHANNELS, efficientnet_b0_features
from trainer.models.heads import CLINICAL_FEATURES, UpStep, classification_head, clinical_branch


class NetworkOutput(NamedTuple):
    """What a multitask network gives.

    Attributes:
        class_logits: (N, classes).
        lesion_logits: (N, 1, H, W), the input's size.
        features: (N, D): mean and standard deviation of each channel of the early encoder stages, which
            tell the look of an image; scanside.ood compares them with those of the training data.
    """

    class_logits: Tensor
    lesion_logits: Tensor
    features: Tensor


class EfficientNetMultitask(nn.Module):
    """EfficientNet-B0 encoder, U-Net decoder, classification head (THESIS, networks).

    Args:
        classes: number of output classes.
        clinical_inputs: number of clinical facts fused before the head; 0 for none.
        dropout: of the classification head.
    """

    # Encoder stages whose output is a skip, from 1/2 to 1/16, and their channels.
    _SKIPS = ((0, 32), (2, 24), (3, 40), (4, 80))
    # Later stages keep little but what tells the classes apart, and map other organs among them.
    _LOOK = (1, 2, 3)

    def __init__(self, classes: int, clinical_inputs: int = 0, dropout: float = 0.25) -> None:
        super().__init__()
        self.features = efficientnet_b0_features()
        channels = FEATURE_CHANNELS
        steps = []
        for (_, skip), out in zip(reversed(self._SKIPS), (80, 40, 24, 16), strict=True):
            steps.append(UpStep(channels, skip, out))
            channels = out
        self.decoder = nn.ModuleList(steps)
        self.lesion = nn.Conv2d(channels, 1, 1)
        self.clinical = clinical_branch(clinical_inputs) if clinical_inputs else None
        extra = CLINICAL_FEATURES if clinical_inputs else 0
        self.head = classification_head(FEATURE_CHANNELS + extra, classes, dropout)

    def forward(self, scan: Tensor, clinical: Tensor | None = None) -> NetworkOutput:
        """(N, 1, H, W) in [0, 1] and (N, clinical_inputs) of 0/1 -> the network's output."""
        kept, look = [], []
        x = scan
        for index, stage in enumerate(self.features):
            x = stage(x)
            if index in dict(self._SKIPS):
                kept.append(x)
            if index in self._LOOK:
                look.append(_moments(x))
        pooled = x.mean((2, 3))
        for step in self.decoder:
            x = step(x, kept.pop())
        lesion = nn.functional.interpolate(
            self.lesion(x), size=scan.shape[2:], mode="bilinear", align_corners=False
        )
        fused = pooled
        if self.clinical is not None:
            fused = torch.cat([pooled, self.clinical(clinical)], dim=1)
        return NetworkOutput(self.head(fused), lesion, torch.cat(look, dim=1))


def _moments(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C): mean and standard deviation of each channel."""
    x = x.detach().float()
    mean = x.mean((2, 3), keepdim=True)
    deviation = (x - mean).square().mean((2, 3)).sqrt()
    return torch.cat([mean.flatten(1), deviation], dim=1)
