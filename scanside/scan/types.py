"""The values that pass between place, sector and prepare."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from scanside.flags import Flag
from scanside.image import Box, Grey, Size


class RegionSource(str, Enum):
    """Which rule said where the scan is."""

    DICOM = "Sequence of Ultrasound Regions"
    OVERLAY = "Active Image Area Overlay"
    DEVICE = "device table"
    CONTOUR = "contour"


@dataclass(frozen=True)
class Region:
    """The rectangle of a frame in which the scan lies, and who said so."""

    box: Box
    found_by: RegionSource
    flags: frozenset[Flag] = frozenset()


@dataclass(frozen=True)
class Crop:
    """Where a prepared scan was cut from: the record that maps a mask back onto source pixels.

    Attributes:
        box: what was cut out of the source frame, source pixels.
        source: size of the source frame.
    """

    box: Box
    source: Size


@dataclass(frozen=True)
class Tissue:
    """The sector of tissue as it was cut out of a frame, before it is resized.

    Attributes:
        pixels: (H, W) uint8 grey, source resolution; black outside the sector.
        origin: where it was cut from.
        found_by: which rule found the region.
        flags: what a reader has to know.
        chroma: (H, W) uint8, how coloured each pixel is: max - min of R, G, B, black outside the sector;
            None for a grey source, and where nobody asked for it.
    """

    pixels: Grey
    origin: Crop
    found_by: RegionSource
    flags: frozenset[Flag] = frozenset()
    chroma: Grey | None = None


@dataclass(frozen=True)
class Scan:
    """The sector of tissue in one frame, ready for a network, and the way back.

    Attributes:
        pixels: (H, W) float32 in [0, 1], the size that the bundle asks for; black outside the sector.
        origin: where it was cut from.
        found_by: which rule found the region.
        flags: what a reader has to know.
        chroma: (H, W) float32 in [0, 1], that of the tissue, moved along with `pixels`; None likewise.
    """

    pixels: NDArray[np.float32]
    origin: Crop
    found_by: RegionSource
    flags: frozenset[Flag] = frozenset()
    chroma: NDArray[np.float32] | None = None
