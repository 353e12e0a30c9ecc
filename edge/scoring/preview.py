"""A frame as the small picture that the live view shows: the lesion outlined, and what was removed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.row import Preview
from edge.scoring.annotations import grouped
from scanside.scan.types import Frame, Mask, Size

MAX_SIDE_PX = 320
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def draw(frame: Frame, lesion: Mask | None, annotations: Mask | None = None) -> Preview:
    """Shrink `frame` and trace `lesion` and `annotations` in it.

    Args:
        frame: the decoded frame.
        lesion: (H, W) bool, its pixels; None for no outline.
        annotations: (H, W) bool, what the denoiser removed; None likewise.
    """
    scale = min(1.0, MAX_SIDE_PX / max(frame.size))
    width, height = (max(1, round(side * scale)) for side in (frame.size.width, frame.size.height))
    pixels = cv2.resize(frame.pixels, (width, height), interpolation=cv2.INTER_AREA)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    png = cv2.imencode(".png", pixels, _FAST)[1].tobytes()
    size = Size(height, width)
    inside = [] if lesion is None else _outline(_shrunk(lesion, size) >= 0.5)
    removed = [] if annotations is None else _outline(grouped(_shrunk(annotations, size) > 0))
    return Preview(png, width, height, inside, removed)


def _shrunk(mask: Mask, size: Size) -> NDArray[np.float32]:
    """How much of each pixel of the picture `mask` covers."""
    small = cv2.resize(mask.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _outline(inside: Mask) -> list[list[list[int]]]:
    contours, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [contour.reshape(-1, 2) for contour in contours if len(contour) > 2]  # less is a speck
    return [[[int(x), int(y)] for x, y in polygon] for polygon in polygons]
