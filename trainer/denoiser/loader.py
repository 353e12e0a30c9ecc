"""Pairs -> batches. Order and views depend on (seed, epoch, row) alone, as in trainer.data.loader."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from scanside.image import Size
from trainer.data.loader import Batch, EpochSampler
from trainer.denoiser.pairs import ScanPair
from trainer.settings.fields import bounded_field

PairsOf = Callable[[int], Sequence[ScanPair]]  # the pairs of an epoch


@dataclass(frozen=True)
class Views:
    """How a pair is varied.

    Attributes:
        flip: probability of a horizontal flip.
        gamma: exponent between 1 / (1 + gamma) and 1 + gamma, for the scan and its clean counterpart.
        grey: probability that the network does not see colour, as on grey-only data sets.
    """

    flip: float = bounded_field(0.5, 0.0, 1.0)
    gamma: float = bounded_field(0.3, 0.0, 10.0)
    grey: float = bounded_field(0.3, 0.0, 1.0)


class RandomViews(Dataset[Batch]):
    """Random windows of pairs of any sizes.

    Args:
        pairs: those of an epoch; none is smaller than `window`.
    """

    def __init__(self, pairs: PairsOf, window: Size, views: Views, seed: int) -> None:
        self._pairs, self._window, self._views, self._seed = pairs, window, views, seed

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, row = key
        pair, views = self._pairs(epoch)[row], self._views
        rng = np.random.default_rng((self._seed, epoch, row))
        height, width = pair.scan.shape
        y = int(rng.integers(height - self._window.height + 1))
        x = int(rng.integers(width - self._window.width + 1))
        window = np.s_[y : y + self._window.height, x : x + self._window.width]
        step = -1 if rng.random() < views.flip else 1
        planes = {name: np.ascontiguousarray(plane[window][:, ::step]) for name, plane in vars(pair).items()}
        exponent = (1 + views.gamma) ** rng.uniform(-1, 1)
        table = np.rint(255 * np.linspace(0, 1, 256) ** exponent).astype(np.uint8)
        for name in ("scan", "clean"):
            planes[name] = cv2.LUT(planes[name], table)
        if rng.random() < views.grey:
            planes["chroma"] = np.zeros_like(planes["chroma"])
        return make_item(planes)


class PlainPairs(Dataset[Batch]):
    """Whole pairs as they are."""

    def __init__(self, pairs: Sequence[ScanPair]) -> None:
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, row: int) -> Batch:
        return make_item(vars(self._pairs[row]))


def make_item(planes: dict[str, np.ndarray]) -> Batch:
    """Make each plane of a pair as (1, H, W) float32: images in [0, 1], masks of 0 and 1."""
    return {
        name: torch.from_numpy(plane)[None].float() / (255 if plane.dtype == np.uint8 else 1)
        for name, plane in planes.items()
    }


def make_training_loader(
    rows: int, pairs: PairsOf, window: Size, views: Views, batch: int, seed: int
) -> DataLoader[Batch]:
    """Make batches of random views of `rows` pairs; the last, smaller one is dropped for batch norm."""
    data = RandomViews(pairs, window, views, seed)
    return DataLoader(data, batch_size=min(batch, rows), sampler=EpochSampler(rows, seed), drop_last=True)


def make_plain_loader(pairs: Sequence[ScanPair], batch: int) -> DataLoader[Batch]:
    """Make batches of pairs of one size, in order."""
    return DataLoader(PlainPairs(pairs), batch_size=batch)
