"""A classifier of two classes that is small enough to be trained many times on a CPU."""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanside.errors import InputError
from trainer.models.memory_format import use_channels_last


def build_classifier() -> nn.Module:
    """Build four convolutions that each halve the scan, and a mean over what is left."""
    widths = (4, 32, 64, 128, 128)
    layers: list[nn.Module] = [nn.PixelUnshuffle(2)]  # strokes are thin: shrinking would lose them
    for narrow, wide in pairwise(widths):
        convolution = nn.Conv2d(narrow, wide, 3, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.25), nn.Linear(widths[-1], 1), nn.Flatten(0))
    classifier = nn.Sequential(*layers, *head)
    use_channels_last(classifier)
    return classifier


def fit_classifier(
    network: nn.Module,
    scans: NDArray[np.uint8],
    second: NDArray[np.bool_],
    epochs: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Train on scans, (N, H, W) uint8, and whether each is of the second class; half are flipped at random.

    The last scans of an epoch's order that fill no batch are left out.
    """
    rng, steps_each = np.random.default_rng(seed), len(scans) // batch
    if steps_each == 0:
        raise InputError(f"{len(scans)} scans are fewer than a batch of {batch}. Give more data.")
    optimiser = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=0.01)
    steps = epochs * steps_each
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for rows in np.split(rng.permutation(len(scans))[: steps_each * batch], steps_each):
            shown = scans[rows]
            flipped = rng.random(batch) < 0.5
            shown[flipped] = shown[flipped][:, :, ::-1]
            wanted = torch.from_numpy(second[rows].astype(np.float32))
            loss = nn.functional.binary_cross_entropy_with_logits(network(_make_input(shown)), wanted)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()


@torch.inference_mode()
def predict_logits(network: nn.Module, scans: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Predict the logits of the second class: (N, H, W) uint8 -> (N,)."""
    network.eval()
    parts = [network(_make_input(scans[at : at + 32])).double().numpy() for at in range(0, len(scans), 32)]
    return np.concatenate(parts)


def _make_input(scans: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(scans)[:, None].float() / 255
