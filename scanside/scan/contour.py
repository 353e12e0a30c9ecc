"""Threshold and contour: which pixels of a region belong to the sector of tissue (thesis, appendix C)."""

import cv2
import numpy as np

from scanside.errors import NoTissue
from scanside.scan.types import Grey, Mask

_WORK_SIDE_PX = 320  # the sector is found on a frame this large: fast, and text strokes vanish
_DARK = 10  # grey values up to this are background: black plus what JPEG adds to it
_TEXT_PX = 5  # thinner than this at working size is text, rulers and scale marks
_MIN_AREA = 0.04  # share of the region that a sector covers at least
_PART_AREA = 0.1  # of the largest area: a bladder may cut a sector in parts, a grey bar is smaller
_MIN_CONTRAST = 6.0  # standard deviation of grey values inside: less is a blank or a filled box


def find_sector(grey: Grey) -> Mask:
    """The convex hull of the large bright areas of `grey`.

    A hull, since a dark cyst at the sector's edge would otherwise be cut away with the background.

    Args:
        grey: (H, W) uint8, one region of a frame.

    Returns:
        (H, W) bool, True inside the sector.

    Raises:
        NoTissue: nothing bright, too small, or without any texture.
    """
    height, width = grey.shape
    scale = min(1.0, _WORK_SIDE_PX / max(height, width))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    bright = (small > _DARK).astype(np.uint8)
    # Speckle has dark gaps: close them first, then drop what is thin.
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, _ellipse(3))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _ellipse(_TEXT_PX))
    contours, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(contour) for contour in contours]
    if max(areas, default=0.0) < _MIN_AREA * small.size:
        raise NoTissue("no scan found: the image is black or holds only text")
    parts = [c for c, area in zip(contours, areas, strict=True) if area >= _PART_AREA * max(areas)]
    hull = cv2.convexHull(np.concatenate(parts))
    sector = cv2.fillConvexPoly(np.zeros_like(small), hull, 1)
    if float(small[sector > 0].std()) < _MIN_CONTRAST:
        raise NoTissue("no scan found: the image has no texture of tissue")
    full = cv2.resize(sector, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(full, bool)


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
