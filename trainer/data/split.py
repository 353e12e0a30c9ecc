"""How mmotu_split.csv was drawn: `python -m trainer.data.split MMOTU_DIR > trainer/data/mmotu_split.csv`.

The official training set stays whole. The official val set is halved into 236 validation and 233 test
images as in the thesis, whose own lists are not published. Near-duplicates (256 bit dHash, at most 10
bits apart) never fall on two sides of a cut that is ours; those that the official cut parts are marked.
Lesions do: for comparison with others alone. The folds that keep them together are of trainer/data/folds.py.
"""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse.csgraph import connected_components

from trainer.data.mmotu import find_image

NEAR_DUPLICATE_BITS = 10
_SEED = 2026
_FOLDS = 5
_VALIDATION = 236


class SplitRow(NamedTuple):
    """One image; trainer.data.mmotu.MmotuImage explains the names."""

    image: int
    label: int
    part: str
    official_fold: int
    near_duplicate: bool


def hash_image(path: Path) -> NDArray[np.bool_]:
    """Hash an image into 256 bits: is each pixel of a 16 x 17 thumbnail darker than its right neighbour?"""
    with Image.open(path) as image:
        small = np.asarray(image.convert("L").resize((17, 16), Image.Resampling.LANCZOS))
    return (small[:, 1:] > small[:, :-1]).ravel()


def draw_split(root: Path) -> list[SplitRow]:
    """Draw the split of the copy of MMOTU at `root`."""
    labels = _read_labels(root / "train_cls.txt") | _read_labels(root / "val_cls.txt")
    train = sorted(_read_labels(root / "train_cls.txt"))
    val = sorted(_read_labels(root / "val_cls.txt"))
    images = train + val
    ones = np.array([hash_image(find_image(root, i)) for i in images], np.int32)
    apart = ones.sum(1)[:, None] + ones.sum(1)[None] - 2 * ones @ ones.T
    near = apart <= NEAR_DUPLICATE_BITS
    leaks = near[len(train) :, : len(train)].any(axis=1)
    fold = _spread_groups(train, near[: len(train), : len(train)], labels, [1] * _FOLDS)
    half = _spread_groups(
        val, near[len(train) :, len(train) :], labels, [_VALIDATION, len(val) - _VALIDATION]
    )
    rows = [SplitRow(i, labels[i], "train", fold[i], False) for i in train]
    rows += [
        SplitRow(i, labels[i], ("validation", "test")[half[i]], -1, bool(leak))
        for i, leak in zip(val, leaks, strict=True)
    ]
    return sorted(rows)


def _read_labels(path: Path) -> dict[int, int]:
    lines = path.read_text().split("\n")
    return {int(name.split(".")[0]): int(label) for name, label in map(str.split, filter(str.strip, lines))}


def _spread_groups(
    images: list[int], near: NDArray[np.bool_], labels: dict[int, int], weights: list[int]
) -> dict[int, int]:
    """Deal groups of near-duplicates out to parts, so that each class is shared out by `weights`."""
    _, group = connected_components(near, directed=False)
    rng = np.random.default_rng(_SEED)
    share = np.array(weights) / sum(weights)
    target = {label: share * sum(labels[i] == label for i in images) for label in set(labels.values())}
    total = share * len(images)
    part: dict[int, int] = {}
    order = rng.permutation(group.max() + 1)
    sizes = np.bincount(group)
    for number in sorted(order, key=lambda n: -sizes[n]):  # the large groups first, while there is room
        members = [i for i, g in zip(images, group, strict=True) if g == number]
        room = np.sum([target[labels[i]] for i in members], axis=0) + 0.1 * total
        chosen = int(np.argmax(room / share))
        for image in members:
            part[image] = chosen
            target[labels[image]][chosen] -= 1
            total[chosen] -= 1
    return part


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(SplitRow._fields)
    for row in draw_split(Path(sys.argv[1])):
        writer.writerow([int(value) if isinstance(value, bool) else value for value in row])
