"""A frame -> the same frame, black wherever it shows no tissue (PS3.15 E.3.1, Clean Pixel Data)."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.scan.place.region import MIN_REGION_PX
from scanside.scan.prepare import find_scans, to_grey
from scanside.scan.sector.contour import find_sector
from scanside.scan.types import Frame, Grey, Mask

_WORK_SIDE_PX = 320
_DARK = 10  # grey values up to this are background: black plus what JPEG adds to it
_GRAIN_PX, _DENSE = 7, 0.6  # working size: of a window in tissue more is bright, of one in text less
_LINE_PX = 9  # working size: a line of text is thinner than this, tissue is not
_BRIGHT = 40  # text is drawn to be read: brighter than this; the faint specks of deep tissue mostly are not
_CORNER_PX = 5  # at working size: how much of a corner that opening rounds off comes back
_HALO_PX = 9  # side of the ellipse that covers a stroke and its smoothed edge, source pixels
_FLAT_PX, _FLAT_RANGE = 7, 5  # a window with less between its darkest and brightest is drawn, not tissue
_FLAT_AREA = 0.004  # of the region: a smaller flat area may be a saturated echo
_FLAT_TEXT = 1 / 16  # of the region's height: the highest text on a filled bar
_BAR_THICK, _BAR_LONG = 0.08, 0.15  # of the region: a bar of keys, of greys or of colours
_BAR_FILL = 0.8  # of the rectangle around it; a layer of tissue is bent or ragged


def blank_outside_tissue(frame: Frame, header: Dataset) -> NDArray[np.uint8]:
    """Black what is not tissue: outside the regions, outside the sector, and lines of text beside it.

    Args:
        frame: the decoded frame.
        header: its instance's attributes, which may declare regions.

    Returns:
        (H, W) or (H, W, 3) uint8, as the frame.

    Raises:
        NoTissue: no scan was found, so nothing is known to be free of text.
    """
    keep = np.zeros(frame.size, bool)
    reasons = []
    for region in find_scans(header, frame):
        box = region.box
        grey = to_grey(frame.pixels[box.y0 : box.y1, box.x0 : box.x1])
        try:
            if min(grey.shape) < MIN_REGION_PX:
                raise NoTissue(f"the image is too small: {grey.shape[1]} x {grey.shape[0]} px")
            keep[box.y0 : box.y1, box.x0 : box.x1] |= _tissue(grey)
        except NoTissue as reason:  # another region may hold a scan; this one becomes black
            reasons.append(reason)
    if not keep.any():
        raise reasons[0] if reasons else NoTissue("no scan found: the image holds only filled bars")
    cleaned: NDArray[np.uint8] = frame.pixels.copy()
    cleaned[~keep] = 0
    return cleaned


def _tissue(grey: Grey) -> Mask:
    """The sector without the text that stands beside tissue, be it on black or on a filled bar.

    A sector's outline may be convex where the sector is not: above a curved probe's face, between two scans.
    Names are written there. Text on tissue itself is left.
    """
    drawn = _filled(grey)
    grey = np.asarray(np.where(drawn, np.uint8(0), grey), np.uint8)
    sector = find_sector(grey)
    beside = sector & ~_solid(grey)
    strokes = np.asarray(beside & (grey > _BRIGHT), np.uint8)
    text = (cv2.dilate(strokes, _ellipse(_HALO_PX)) > 0) & beside
    return np.asarray(sector & ~drawn & ~text, bool)


def _filled(grey: Grey) -> Mask:
    """Bars and backgrounds of one grey value, with the text on them."""
    window = np.ones((_FLAT_PX, _FLAT_PX), np.uint8)
    spread = cv2.subtract(cv2.dilate(grey, window), cv2.erode(grey, window))
    flat = np.asarray((spread <= _FLAT_RANGE) & (grey > _DARK), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat)
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] > _FLAT_AREA * grey.size]
    bars = np.asarray(np.isin(labels, large), np.uint8)
    side = max(_FLAT_PX, round(_FLAT_TEXT * grey.shape[0])) | 1
    closed = cv2.morphologyEx(bars, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.asarray(cv2.dilate(closed, window), bool)


def _solid(grey: Grey) -> Mask:
    """Where most pixels are bright, in areas thicker than a line of text, with what they enclose; no bars.

    Between the strokes of text it is black, between the grains of speckle mostly not.
    """
    height, width = grey.shape
    scale = min(1.0, _WORK_SIDE_PX / max(height, width))
    bright = np.where(grey > _DARK, np.uint8(255), np.uint8(0))
    small = cv2.resize(bright, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    dense = np.asarray(cv2.blur(small, (_GRAIN_PX, _GRAIN_PX)) > 255 * _DENSE, np.uint8)
    thick = cv2.morphologyEx(dense, cv2.MORPH_OPEN, _ellipse(_LINE_PX))
    thick = cv2.dilate(thick, _ellipse(_CORNER_PX))
    outlines, _ = cv2.findContours(thick, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [outline for outline in outlines if not _is_long_rectangle(outline, small.shape)]
    filled = cv2.drawContours(np.zeros(small.shape, np.uint8), areas, -1, 1, cv2.FILLED)
    return np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_NEAREST), bool)


def _is_long_rectangle(outline: MatLike, shape: tuple[int, ...]) -> bool:
    _, _, width, height = cv2.boundingRect(outline)
    shares = sorted((height / shape[0], width / shape[1]))
    filled = cv2.contourArea(outline) > _BAR_FILL * max(1, (width - 1) * (height - 1))
    return bool(shares[0] < _BAR_THICK and shares[1] > _BAR_LONG and filled)


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
