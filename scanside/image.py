"""What pictures are made of: sizes, boxes and frames, for every image that DICOM holds."""

from dataclasses import dataclass
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
