"""Drawing onto a scan; keeps account of the pixels that were drawn."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Grey, Mask

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
_SEEN = 16  # of 255: a pixel that ink covers by less is not called drawn
_MARGIN = 4  # px: how far shade and blur reach beyond what is drawn


@dataclass(frozen=True)
class Ink:
    """How a machine renders its strokes.

    Attributes:
        colour: RGB.
        shade: what lies under them: "none", a "shadow" to the lower right, or an "outline" all around.
        shade_px: how wide the shade is.
        blur_px: standard deviation; above 0 where a screen was scaled after drawing.
        opacity: 1: nothing shines through.
    """

    colour: Colour
    shade: str = "none"
    shade_px: int = 1
    blur_px: float = 0.0
    opacity: float = 1.0


class Layer:
    """A scan that is being drawn on.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, a copy of the scan's.
        cover: (H, W) uint8, 0 to 255: how much of a pixel ink covers, shade included.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels.copy()
        self.cover: Grey = np.zeros(pixels.shape[:2], np.uint8)

    @property
    def mask(self) -> Mask:
        """(H, W) bool: what was drawn. It comes from the drawing; white ink on white tissue counts."""
        return np.asarray(self.cover >= _SEEN, bool)

    def blank(self) -> Grey:
        """Return a canvas to draw strokes on, for `draw`."""
        return np.zeros_like(self.cover)

    def draw(self, strokes: Grey, ink: Ink, x: int = 0, y: int = 0) -> None:
        """Lay strokes over the scan.

        Args:
            strokes: (h, w) uint8, 255 where they are full; what reaches beyond the scan is cut off.
            ink: how they look.
            x, y: where the strokes' top left pixel goes.
        """
        left, top, width, height = cv2.boundingRect(strokes)
        if width == 0:
            return
        tight = strokes[top : top + height, left : left + width]
        padded = cv2.copyMakeBorder(tight, *(4 * (_MARGIN,)), cv2.BORDER_CONSTANT, value=0)
        shade = _make_shade(np.asarray(padded, np.uint8), ink)
        for part, colour in ((shade, BLACK), (padded, ink.colour)):
            if part is not None:
                soft = cv2.GaussianBlur(part, (0, 0), ink.blur_px) if ink.blur_px > 0 else part
                self._lay(np.asarray(soft, np.float32), colour, ink.opacity, x + left, y + top)

    def _lay(self, cover: NDArray[np.float32], colour: Colour, opacity: float, x: int, y: int) -> None:
        x, y = x - _MARGIN, y - _MARGIN
        (height, width), (rows, columns) = cover.shape, self.cover.shape
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + width, columns), min(y + height, rows)
        if x0 >= x1 or y0 >= y1:
            return
        at = np.s_[y0:y1, x0:x1]
        alpha = opacity / 255 * cover[y0 - y : y1 - y, x0 - x : x1 - x]
        mixed = self.pixels[at] * (1 - alpha[..., None]) + np.array(colour, np.float32) * alpha[..., None]
        self.pixels[at] = np.rint(mixed)
        self.cover[at] = np.ceil(255 * alpha + self.cover[at] * (1 - alpha))


def _make_shade(strokes: Grey, ink: Ink) -> Grey | None:
    if ink.shade == "none":
        return None
    by = ink.shade_px
    if ink.shade == "outline":
        return np.asarray(cv2.dilate(strokes, np.ones((2 * by + 1,) * 2, np.uint8)), np.uint8)
    moved = np.zeros_like(strokes)
    moved[by:, by:] = strokes[:-by, :-by]
    return moved
