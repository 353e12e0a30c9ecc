"""A frame as the small picture that the live view shows: the lesion outlined, and what was removed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.protocol.row import Polygons, Preview
from edge.scoring.annotations import grouped
from scanside.image import Frame, Mask, Size

MAX_SIDE_PX = 320
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def draw(frame: Frame, lesion: Mask | None, annotations: Mask | None = None) -> Preview:
    """Shrink `frame` and trace `lesion` and `annotations` in it.

    Args:
        frame: the decoded frame.
        lesion: (H, W) bool, its pixels; None for no outline.
        annotations: (H, W) bool, what the denoiser removed; None likewise.
    """
    size = _size(frame)
    pixels = cv2.resize(frame.pixels, (size.width, size.height), interpolation=cv2.INTER_AREA)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    png = cv2.imencode(".png", pixels, _FAST)[1].tobytes()
    return Preview(png, size.width, size.height, *outlines(frame, lesion, annotations))


def draw_prepared(pixels: NDArray[np.float32], lesion: Mask) -> Preview:
    """What the network got as a picture, and the lesion that it found there.

    It is made when the frame is scored: that takes a hundredth of what preparing it again would.

    Args:
        pixels: (h, w), 0 to 1.
        lesion: (h, w) bool, the same pixels.
    """
    png = cv2.imencode(".png", np.rint(pixels * 255).astype(np.uint8), _FAST)[1].tobytes()
    return Preview(png, pixels.shape[1], pixels.shape[0], _outline(lesion))


def outlines(frame: Frame, lesion: Mask | None, annotations: Mask | None) -> tuple[Polygons, Polygons]:
    """The polygons of a preview: around `lesion`, and around `annotations`."""
    size = _size(frame)
    inside = () if lesion is None else _outline(_shrunk(lesion, size) >= 0.5)
    removed = () if annotations is None else _outline(grouped(_shrunk(annotations, size) > 0))
    return inside, removed


def _size(frame: Frame) -> Size:
    scale = min(1.0, MAX_SIDE_PX / max(frame.size))
    return Size(*(max(1, round(side * scale)) for side in frame.size))


def _shrunk(mask: Mask, size: Size) -> NDArray[np.float32]:
    """How much of each pixel of the picture `mask` covers."""
    small = cv2.resize(mask.astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _outline(inside: Mask) -> Polygons:
    contours, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [contour.reshape(-1, 2) for contour in contours if len(contour) > 2]  # less is a speck
    return tuple(tuple((int(x), int(y)) for x, y in polygon) for polygon in polygons)
