"""Slides -> batches. Order and views depend on (seed, epoch) alone, never on what ran before."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed as processes
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from scanside.image import Size
from trainer.data.augment import augment
from trainer.data.slides import Slides
from trainer.settings.augmentation import Augmentation

Batch = dict[str, Tensor]


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, index) in an order drawn from (seed, epoch). Lightning calls `set_epoch`.

    With several devices each takes every n-th of the same order, all equally many.
    """

    def __init__(self, length: int, seed: int) -> None:
        self._length, self._seed, self._epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._length // _find_process()[1]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(self._length)
        rank, count = _find_process()
        mine = order[rank : len(self) * count : count]
        return iter([(self._epoch, int(index)) for index in mine])


def _find_process() -> tuple[int, int]:
    """Find (which of the training processes this is, how many there are)."""
    if processes.is_available() and processes.is_initialized():
        return processes.get_rank(), processes.get_world_size()
    return 0, 1


class AugmentedScans(Dataset[Batch]):
    """Random views of the training scans.

    Args:
        sizes: (first epoch, size) in rising order: small views first train faster.
    """

    def __init__(
        self,
        data: Slides,
        sizes: tuple[tuple[int, Size], ...],
        ranges: Augmentation,
        seed: int,
    ) -> None:
        self._data, self._sizes, self._ranges, self._seed = data, sizes, ranges, seed
        self._keys = data.keys

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        size = [size for first, size in self._sizes if epoch >= first][-1]
        rng = np.random.default_rng((self._seed, epoch, int(self._keys[index])))
        mask = self._data.masks[index].astype(np.uint8)
        view = augment(self._data.scans[index], mask, size, self._ranges, rng)
        return make_item(self._data, index, *view)


class PlainScans(Dataset[Batch]):
    """The scans as they are."""

    def __init__(self, data: Slides) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Batch:
        return make_item(self._data, index, self._data.scans[index], self._data.masks[index])


def make_item(data: Slides, index: int, scan: NDArray[np.uint8], mask: NDArray[np.generic]) -> Batch:
    """Make an item: scan (1, H, W) float32 in [0, 1], mask (1, H, W) 0 or 1, has_mask, clinical, label."""
    return {
        "scan": torch.from_numpy(scan)[None].float() / 255,
        "mask": torch.from_numpy(mask)[None].float(),
        "has_mask": torch.tensor(bool(data.has_mask[index])),
        "clinical": torch.from_numpy(data.clinical[index]),
        "label": torch.tensor(data.labels[index]),
    }


def make_training_loader(
    data: Slides,
    *,
    sizes: tuple[tuple[int, Size], ...],
    ranges: Augmentation,
    batch: int,
    seed: int,
    workers: int = 0,
) -> DataLoader[Batch]:
    """Make batches of random views; the last, smaller one is dropped, since batch norm wants company."""
    return DataLoader(
        AugmentedScans(data, sizes, ranges, seed),
        batch_size=min(batch, len(data)),
        sampler=EpochSampler(len(data), seed),
        drop_last=True,
        **_list_worker_options(workers),
    )


def make_plain_loader(data: Slides, batch: int, workers: int = 0) -> DataLoader[Batch]:
    """Make batches of the scans as they are, in order."""
    return DataLoader(PlainScans(data), batch_size=batch, **_list_worker_options(workers))


def _list_worker_options(workers: int) -> dict[str, Any]:
    if not workers:
        return {}
    return {"num_workers": workers, "persistent_workers": True, "prefetch_factor": 4, "pin_memory": True}
