"""Real scans to quantise with: parts of MMOTU that serve one purpose each and never another."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from export.acceptance import Scans
from scanside.scan.types import Size
from trainer.data.mmotu import MALIGNANT, Entry, prepare_scans, read_split

_CALIBRATION, _SELECTION = 64, 32  # images; spread over the part
_SELECTION_FOLD = 0  # the default model's development fold: it was not trained on it


def calibration_scans(root: Path, size: Size) -> Scans:
    """Training images: their ranges set the scales."""
    entries = [e for e in read_split() if e.part == "train" and e.fold != _SELECTION_FOLD]
    return _scans(root, size, _spread(entries, _CALIBRATION), "training images of MMOTU")


def selection_scans(root: Path, size: Size) -> Scans:
    """Training images of another fold: they tell which layers hurt."""
    entries = [e for e in read_split() if e.part == "train" and e.fold == _SELECTION_FOLD]
    malignant = [e for e in entries if e.label == MALIGNANT]
    others = [e for e in entries if e.label != MALIGNANT]
    return _scans(root, size, malignant + _spread(others, _SELECTION - len(malignant)), "development images")


def held_out_scans(root: Path, size: Size) -> Scans:
    """The official val images without a near-duplicate in the training set: they judge."""
    entries = [e for e in read_split() if e.part != "train" and not e.leaks]
    return _scans(root, size, entries, "images of the official MMOTU val set without near-duplicates")


def _spread(entries: Sequence[Entry], count: int) -> list[Entry]:
    """`count` of `entries`, evenly spaced."""
    return [entries[i] for i in np.linspace(0, len(entries) - 1, count).round().astype(int)]


def _scans(root: Path, size: Size, entries: Sequence[Entry], what: str) -> Scans:
    read = prepare_scans(root, entries, size, what)
    return Scans(f"{len(entries)} {what}", read.fingerprint, read.scans, read.masks, read.labels == MALIGNANT)
