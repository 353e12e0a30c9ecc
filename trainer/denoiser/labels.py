"""Burned-in annotations of MMOTU, labelled by eye: which scans carry what, and for some of them which pixels.

What counts, how it was drawn and how sure it is: docs/denoiser-labels.md.
"""

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast, get_args

import numpy as np

from scanside.errors import InputError
from scanside.image import Mask, Size

Kind = Literal[
    "caliper",
    "line",
    "text",
    "arrow",
    "cursor",
    "box",
    "gate",
    "result",
    "other",
    "scale",
    "focus",
    "bar",
    "logo",
    "settings",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What the machine itself draws at the sector's edge. What is left was put into the tissue by a person.
EDGE_KINDS: frozenset[Kind] = frozenset({"scale", "focus", "bar", "logo", "settings"})

_FOLDER = files(__package__).joinpath("labels")


@dataclass(frozen=True)
class ScanLabel:
    """What is burned into one scan, inside the sector that `scanside.scan.prepare.cut` leaves.

    Attributes:
        image: number of the image in MMOTU, 1 to 1469.
        part: "train", "validation" or "test", of the committed split.
        drawn: the image was drawn at random within its part; else it was sought, as one that may be clean.
        kinds: what is burned in; empty where nothing is.
        doppler: colour Doppler; its colours are no annotation, the outline of its box is.
        unsure: a few pixels at the sector's edge that may be the rest of a mark.
    """

    image: int
    part: str
    drawn: bool
    kinds: frozenset[Kind]
    doppler: bool
    unsure: bool

    @property
    def clean(self) -> bool:
        """Nothing is burned in."""
        return not self.kinds

    @property
    def tissue_clean(self) -> bool:
        """Nothing is burned in but what the machine draws at the edge (EDGE_KINDS)."""
        return self.kinds <= EDGE_KINDS


@cache
def read_labels() -> tuple[ScanLabel, ...]:
    """Read the labels of all scans that were looked at, by number of the image."""
    with _FOLDER.joinpath("mmotu_scans.csv").open(encoding="utf-8") as file:
        return tuple(
            ScanLabel(
                image=int(row["image"]),
                part=row["part"],
                drawn=row["sample"] == "random",
                kinds=frozenset(cast("list[Kind]", row["kinds"].split())),
                doppler=row["doppler"] == "1",
                unsure=row["unsure"] == "1",
            )
            for row in csv.DictReader(file)
        )


@cache
def _read_pixels() -> dict[int, tuple[Size, str]]:
    content = json.loads(_FOLDER.joinpath("mmotu_pixels.json").read_text(encoding="utf-8"))
    return {int(image): (Size(*of["size"]), of["runs"]) for image, of in content["images"].items()}


def list_pixel_labelled() -> tuple[int, ...]:
    """List the numbers of the images whose annotated pixels are labelled."""
    return tuple(_read_pixels())


def read_pixel_mask(image: int) -> Mask:
    """Read the drawn pixels of one annotated scan.

    Args:
        image: number of the image in MMOTU, one of `list_pixel_labelled`.

    Returns:
        (H, W) bool, source pixels: drawn, its black shadow included. Little is labelled outside of
            the sector: text at its edge that preparation blackens.

    Raises:
        InputError: the image has no such label.
    """
    if image not in _read_pixels():
        raise InputError(f"MMOTU's image {image} has no pixel labels. Take one of list_pixel_labelled().")
    size, text = _read_pixels()[image]
    runs = np.array(text.split(), int)
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(size)
