"""A frame as the small picture that the live view shows: the lesion outlined, and what was removed."""

import cv2
import numpy as np

from edge.annotations import grouped
from edge.row import Preview
from scanside.scan.types import Frame, Mask

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
    removed = [] if annotations is None else _outline(grouped(annotations), width, height)
    return Preview(png, width, height, [] if lesion is None else _outline(lesion, width, height), removed)


def _outline(lesion: Mask, width: int, height: int) -> list[list[list[int]]]:
    small = cv2.resize(lesion.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    inside = (small >= 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [contour.reshape(-1, 2) for contour in contours if len(contour) > 2]  # less is a speck
    return [[[int(x), int(y)] for x, y in polygon] for polygon in polygons]
