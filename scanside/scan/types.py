"""The values that pass between decode, region, contour and prepare."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Size(NamedTuple):
    """Rows and columns, in pixels."""

    height: int
    width: int


class Box(NamedTuple):
    """A rectangle in pixels; `x1` and `y1` are exclusive, the origin is the top left pixel."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size(self) -> Size:
        return Size(self.y1 - self.y0, self.x1 - self.x0)


class RegionSource(str, Enum):
    """Which rule said where the scan is."""

    DICOM = "Sequence of Ultrasound Regions"
    OVERLAY = "Active Image Area Overlay"
    DEVICE = "device table"
    CONTOUR = "contour"


class Flag(str, Enum):
    """What a reader of the risk has to know about the scan it came from."""

    COLOUR = "colour in the scan, scored as grey"
    REGION_CLIPPED = "region reaches beyond the image"
    REGION_SCALED = "region belongs to a larger image, scaled to this one"
    REGION_UNTRUSTED = "declared region does not fit the image, not used"
    UNKNOWN_DEVICE = "device not in the table of text strips"
    ANNOTATIONS = "annotations removed"
    SECONDARY_CAPTURE = "copy of a screen (Secondary Capture)"
    PASSED_OVER = "damaged or unknown attributes of the header passed over"
    FRAME_COUNT = "not as many frames as the header says"
    DISPLAY = "impossible window or rescale slope not applied"


@dataclass(frozen=True)
class Frame:
    """One decoded frame of an instance.

    Attributes:
        pixels: (H, W) grey or (H, W, 3) RGB, uint8.
        index: 0-based frame number in its instance.
    """

    pixels: NDArray[np.uint8]
    index: int = 0

    @property
    def size(self) -> Size:
        return Size(*self.pixels.shape[:2])


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
