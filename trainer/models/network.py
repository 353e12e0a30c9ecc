"""One network for every arm: an encoder, a decoder for the lesion, a head for its class."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.models.encoder import Encoder
from trainer.models.heads import CLINICAL_FEATURES, UpStep, build_classification_head, build_clinical_branch
from trainer.models.spec import NetworkSpec


class NetworkOutput(NamedTuple):
    """What every network gives; None where its task has no such output.

    Attributes:
        class_logits: (N, classes).
        lesion_logits: (N, 1, H, W), the input's size.
        features: (N, D): mean and standard deviation of each channel of the early encoder stages, which
            tell the look of an image; scanside.assess.gate compares them with those of the training data.
            Only in evaluation mode, and only of encoders that have a decoder.
    """

    class_logits: Tensor | None
    lesion_logits: Tensor | None
    features: Tensor | None


class Network(nn.Module):
    """Encoder, U-Net decoder, classification head with the clinical branch (THESIS, networks)."""

    def __init__(self, encoder: Encoder, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.features = encoder.stages
        self._pooled = [stage for stage, _ in encoder.pooled]
        self._skips = [stage for stage, _ in encoder.skips]
        self._look = encoder.look
        self.decoder: nn.ModuleList | None = None
        self.head: nn.Sequential | None = None
        self.clinical: nn.Sequential | None = None
        if spec.task != "cls":
            channels, steps = encoder.channels, []
            for (_, skip), out in zip(reversed(encoder.skips), encoder.decoded, strict=True):
                steps.append(UpStep(channels, skip, out, spec.surplus))
                channels = out
            self.decoder = nn.ModuleList(steps)
            self.lesion = nn.Conv2d(channels, 1, 1)
        if spec.task != "seg":
            pooled = sum(channels for _, channels in encoder.pooled)
            pooled += encoder.channels if spec.guided else 0
            if spec.clinical_inputs:
                self.clinical = build_clinical_branch(spec.clinical_inputs)
                pooled += CLINICAL_FEATURES
            self.head = build_classification_head(pooled, spec.classes, spec.dropout, spec.hidden)

    def forward(self, scan: Tensor, clinical: Tensor | None = None) -> NetworkOutput:
        """Run on (N, 1, H, W) in [0, 1] and (N, clinical_inputs) of 0/1 -> the network's output."""
        x, kept, pooled, look = scan, [], [], []
        for index, stage in enumerate(self.features):
            x = stage(x)
            if self.decoder is not None and index in self._skips:
                kept.append(x)
            if self.head is not None and index in self._pooled:
                pooled.append(x.mean((2, 3)))
            if not self.training and index in self._look:
                look.append(_compute_moments(x))
        outline = self._outline(x, kept, scan)
        if self.spec.guided and outline is not None:
            pooled.append(_average_inside(x, outline))
        return NetworkOutput(
            self._classify(pooled, clinical), outline, torch.cat(look, dim=1) if look else None
        )

    def _classify(self, pooled: list[Tensor], clinical: Tensor | None) -> Tensor | None:
        if self.head is None:
            return None
        if self.clinical is not None:
            pooled = [*pooled, self.clinical(clinical)]
        logits: Tensor = self.head(torch.cat(pooled, dim=1))
        return logits

    def _outline(self, x: Tensor, kept: list[Tensor], scan: Tensor) -> Tensor | None:
        if self.decoder is None:
            return None
        for step in self.decoder:
            x = step(x, kept.pop())
        x = self.lesion(x)
        if x.shape[2:] == scan.shape[2:]:
            return x
        return nn.functional.interpolate(x, size=scan.shape[2:], mode="bilinear", align_corners=False)


def _average_inside(x: Tensor, lesion_logits: Tensor) -> Tensor:
    """Average over the places where a lesion is likely: (N, C, h, w) and (N, 1, H, W) -> (N, C).

    The classes do not teach the outline: it is taken as it is.
    """
    inside = torch.sigmoid(lesion_logits.detach().float())
    inside = nn.functional.interpolate(inside, size=x.shape[2:], mode="bilinear", align_corners=False)
    return (x * inside).sum((2, 3)) / (inside.sum((2, 3)) + 1e-3)


def _compute_moments(x: Tensor) -> Tensor:
    """Compute mean and standard deviation of each channel: (N, C, H, W) -> (N, 2 C)."""
    x = x.detach().float()
    mean = x.mean((2, 3), keepdim=True)
    deviation = (x - mean).square().mean((2, 3)).sqrt()
    return torch.cat([mean.flatten(1), deviation], dim=1)
