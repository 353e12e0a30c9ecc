"""What of a picture is screen: without the black around it and without the bars drawn along its sides.

All that looks for a scan begins here: what it finds depends on what is lit, never on the size of the frame.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Box, Grey

BLACK = 6  # grey values up to this are black: what JPEG adds to it
_BAR_SHARE = 0.25  # of the height or width: a bar of text or keys is no thicker
_BAR_PX = 6  # and no thinner
_FILL = 0.5  # of a line of pixels: so much of it at least is of one grey value where a bar is filled,
_FILL_RANGE = 3  # but for so many grey values
_EDGE = 0.8  # of the filled pixels: so many change at once where a bar ends; tissue fades, or ends in a bend
_EDGE_STEP = 4  # grey values
_EDGE_PX = 3  # what JPEG blurs of a bar's edge
_SAMPLES = 100  # of each line, about so many pixels are looked at


def find_screen(grey: Grey) -> Box:
    """The part of `grey` in which a scan may lie: no black border, no title bar, no panel at a side.

    Args:
        grey: (H, W) uint8.

    Returns:
        A box in `grey`; that of all its pixels where everything is black.
    """
    box = find_lit(grey)
    while True:  # what is left of a side may be another bar, or black
        x0, y0, x1, y1 = box
        inside = grey[y0:y1, x0:x1]
        top, bottom = _bar(inside), _bar(inside[::-1])
        turned = inside.T
        left, right = _bar(turned), _bar(turned[::-1])
        if not (top or bottom or left or right):
            return box
        box = _lit(grey, Box(x0 + left, y0 + top, x1 - right, y1 - bottom))


def find_lit(grey: Grey) -> Box:
    """The box around what is not black; that of all pixels where everything is.

    Args:
        grey: (H, W) uint8.
    """
    return _lit(grey, Box(0, 0, grey.shape[1], grey.shape[0]))


def _lit(grey: Grey, box: Box) -> Box:
    """The box around what is brighter than black in `box`; `box` where nothing is."""
    x0, y0, x1, y1 = box
    x, y, width, height = cv2.boundingRect(cv2.threshold(grey[y0:y1, x0:x1], BLACK, 1, cv2.THRESH_BINARY)[1])
    return Box(x0 + x, y0 + y, x0 + x + width, y0 + y + height) if width else box


def _bar(grey: NDArray[np.uint8]) -> int:
    """How many rows at the top of `grey` are a bar, with what is above it; 0 where none is."""
    reach = int(_BAR_SHARE * len(grey))
    if reach < 2 * _BAR_PX:
        return 0
    step = max(1, grey.shape[1] // _SAMPLES)
    lines = np.ascontiguousarray(grey[: reach + 2 * _EDGE_PX, step // 2 :: step])
    middle = np.partition(lines, lines.shape[1] // 2, axis=1)[:, lines.shape[1] // 2, None].astype(np.int16)
    lines = lines.astype(np.int16)
    filled = abs(lines - middle) <= _FILL_RANGE
    of_bar = (middle[:, 0] > BLACK) & (filled.mean(axis=1) >= _FILL)
    for last in np.flatnonzero(of_bar[:reach] & ~of_bar[1 : reach + 1])[::-1]:
        first = last - _BAR_PX + 1
        if first < 0 or not of_bar[first : last + 1].all():
            continue
        inner, beyond = int(last) - 1, int(last) + _EDGE_PX
        changed = abs(lines[beyond] - lines[inner])[filled[inner]] > _EDGE_STEP
        if changed.mean() >= _EDGE:
            return int(last) + 2
    return 0
