"""How mmotu_groups.csv was made: `python -m trainer.data.folds > trainer/data/mmotu_groups.csv`.

The groups follow from the judged pairs. Whole examinations are dealt out to five folds, so that every class
is shared out evenly and no fold knows a patient of another, as far as eyes can tell.
"""

import csv
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.data.groups import Group, derive_groups, read_pairs
from trainer.data.mmotu import CLASSES, FOLDS, read_labels

_SEED = 2026
_TRIALS = 300


def deal_folds(groups: Sequence[Group], labels: Mapping[int, int]) -> dict[int, int]:
    """Deal examinations out to FOLDS folds: image -> fold.

    Of _TRIALS random orders, each dealt greedily, the one whose folds are the most alike counts.

    Args:
        labels: image -> index of its class.
    """
    names = sorted({group.examination for group in groups})
    row = {name: number for number, name in enumerate(names)}
    held = np.zeros((len(names), len(CLASSES)))
    for group in groups:
        held[row[group.examination], labels[group.image]] += 1
    # An examination of a class counts beside its scans: five scans of one patient are not five patients.
    counted = np.hstack([held, held > 0])
    weights = 1 / np.sqrt(counted.sum(axis=0))
    rng = np.random.default_rng(_SEED)
    trials = [_deal_greedily(counted * weights, rng) for _ in range(_TRIALS)]
    best = min(trials, key=lambda fold: _measure_unevenness(counted * weights, fold))
    return {group.image: int(best[row[group.examination]]) for group in groups}


def _deal_greedily(counted: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Deal each examination to where it makes the folds least uneven, the largest first."""
    fold = np.zeros(len(counted), np.intp)
    inside = np.zeros((FOLDS, counted.shape[1]))
    order = rng.permutation(len(counted))
    for examination in order[np.argsort(-counted[order].sum(axis=1), kind="stable")]:
        room = ((inside + counted[examination]) ** 2).sum(axis=1) - (inside**2).sum(axis=1)
        fold[examination] = np.argmin(room)
        inside[fold[examination]] += counted[examination]
    return fold


def _measure_unevenness(counted: NDArray[np.float64], fold: NDArray[np.intp]) -> float:
    inside = np.stack([counted[fold == number].sum(axis=0) for number in range(FOLDS)])
    return float(((inside - inside.mean(axis=0)) ** 2).sum())


if __name__ == "__main__":
    groups = derive_groups(read_pairs())
    dealt = deal_folds(groups, read_labels())
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["image", "lesion", "lesion_sure", "examination", "examination_sure", "fold"])
    for group in groups:
        writer.writerow([*vars(group).values(), dealt[group.image]])
