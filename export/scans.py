"""Real scans to quantise with: parts of MMOTU that serve one purpose each and never another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.acceptance import Scans
from scanside.assess.denoise import denoiser_of
from scanside.model.bundle import Bundle
from trainer.data.mmotu import MALIGNANT, MmotuImage, prepare_scans, read_split

_CALIBRATION, _SELECTION = 64, 128  # images; spread over the part
_SELECTION_FOLD = 0  # the default model's development fold: it was not trained on it


@dataclass(frozen=True)
class Parts:
    """Scans by what they serve.

    Attributes:
        calibration: training images; their ranges set INT8's scales.
        selection: training images of another fold; they tell which layers hurt.
        held_out: never trained on; they judge.
    """

    calibration: Scans
    selection: Scans
    held_out: Scans


def mmotu_parts(root: Path, bundle: Bundle) -> Parts:
    """The parts of the copy of MMOTU at `root`; held out are the official val images, less near-duplicates.

    They are as the network of `bundle` gets them: of its size, behind its denoiser if it has one.

    Raises:
        InputError: a file is missing or damaged.
    """
    split = read_split()
    development = [e for e in split if e.part == "train" and e.official_fold == _SELECTION_FOLD]
    malignant = [e for e in development if e.label == MALIGNANT]
    others = [e for e in development if e.label != MALIGNANT]
    entries = {
        "training images of MMOTU": _spread(
            [e for e in split if e.part == "train" and e.official_fold != _SELECTION_FOLD], _CALIBRATION
        ),
        "development images of MMOTU": malignant + _spread(others, _SELECTION - len(malignant)),
        "images of the official MMOTU val set without near-duplicates": [
            e for e in split if e.part != "train" and not e.near_duplicate
        ],
    }
    return Parts(*(_scans(root, bundle, some, what) for what, some in entries.items()))


def _spread(entries: Sequence[MmotuImage], count: int) -> list[MmotuImage]:
    """`count` of `entries`, evenly spaced."""
    return [entries[i] for i in np.linspace(0, len(entries) - 1, count).round().astype(int)]


def _scans(root: Path, bundle: Bundle, entries: Sequence[MmotuImage], what: str) -> Scans:
    read = prepare_scans(root, entries, bundle.manifest.input_size, what, denoiser=denoiser_of(bundle))
    return Scans(f"{len(entries)} {what}", read.fingerprint, read.scans, read.masks, read.labels == MALIGNANT)
