"""Where a real scan may carry burned-in annotations: a rule that would rather suspect too much.

Hardly a scan of MMOTU is free of them, so pairs are made on scans that have some. What this rule suspects is
left out of every loss and every figure; it is neither a detector nor the truth.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask
from scanside.scan.prepare import to_grey

_UNIT_PX = 520  # length of a sector whose strokes are one or two pixels wide
_TINT_PX = 41  # over such a window a scan's own tint is the median
_CHROMA, _SMOOTH_PX = 4, 7  # mean of max - min of R, G, B above the tint: coloured ink, even thinned by JPEG
_FLOW, _FLOW_PX = 30, 13  # colour Doppler is that coloured, and holds a disc of this size; ink does not
_WHITE, _STANDS_OUT = 120, 70  # ink is bright, and brighter than what lies around it
_DOT = 25  # in the dark, a dot of a dotted line is brighter than twice its surroundings by this
_STROKE_PX = 7  # wider than any stroke
_RIM = 0.15  # share of each side: rulers, focus marks, grey bars, text of the machine
_REACH_PX = 2  # shade, soft edges and the blocks of JPEG around ink


def find_suspects(pixels: NDArray[np.uint8], sector: Mask, *, white_within: bool) -> Mask:
    """Find what may be ink.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        sector: (H, W) bool, tissue.
        white_within: suspect white strokes everywhere; else only near the sides of the sector's box, for
            scans in which, by a person's judgement, nothing white is drawn further in.

    Returns:
        (H, W) bool, only inside the sector.
    """
    x, y, width, height = cv2.boundingRect(sector.astype(np.uint8))
    unit = max(1.0, max(width, height) / _UNIT_PX)
    chroma = pixels.max(axis=2) - pixels.min(axis=2)
    tint = cv2.medianBlur(chroma, _TINT_PX)
    smooth = cv2.blur(chroma, (_SMOOTH_PX, _SMOOTH_PX)).astype(np.int16)
    coloured = (smooth - tint > _CHROMA).astype(np.uint8)
    flow = cv2.morphologyEx((chroma > _FLOW).astype(np.uint8), cv2.MORPH_OPEN, _make_disc(_FLOW_PX * unit))
    ink = (coloured > 0) & (flow == 0)
    grey = to_grey(pixels)
    sharp = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, _make_disc(_STROKE_PX * unit))
    white = (grey > _WHITE) & (sharp > _STANDS_OUT)
    if not white_within:
        dx, dy = round(_RIM * width), round(_RIM * height)
        white[y + dy : y + height - dy, x + dx : x + width - dx] = False
    dots = sharp.astype(np.int16) > _DOT + (grey - sharp).astype(np.int16)
    suspects = cv2.dilate((ink | white | dots).astype(np.uint8), _make_disc(2 * _REACH_PX * unit + 1))
    return np.asarray((suspects > 0) & sector, bool)


def _make_disc(diameter: float) -> NDArray[np.uint8]:
    side = round(diameter) | 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
