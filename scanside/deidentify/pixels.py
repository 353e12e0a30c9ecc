"""A frame -> the same frame, black wherever it shows no tissue (PS3.15 E.3.1, Clean Pixel Data)."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.scan.contour import find_sector
from scanside.scan.prepare import to_grey
from scanside.scan.region import MIN_REGION_PX, find_regions
from scanside.scan.types import Frame, Grey, Mask

_WORK_SIDE_PX = 320
_DARK = 10  # grey values up to this are background: black plus what JPEG adds to it
_LINE_PX = 9  # a line of text is thinner than this at working size, tissue is not
_STROKE = 40  # text is drawn to be read: brighter than this; the faint specks of deep tissue mostly are not
_HALO_PX = 9  # side of the ellipse that covers a stroke and its smoothed edge, source pixels
_FLAT_SHARE = 0.4  # of a filled bar's pixels have its one grey value; tissue is speckled
_FLAT_GREYS = 5  # that value and what JPEG makes of it
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
    for region in find_regions(header, frame.size):
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
    return np.asarray(
        np.where(keep if frame.pixels.ndim == 2 else keep[..., None], frame.pixels, 0), np.uint8
    )


def _tissue(grey: Grey) -> Mask:
    """The sector without the text in it that stands clear of tissue.

    A sector's outline is convex where the sector is not: above a curved probe's face, between two scans.
    Names are written there, on black or on a filled bar. Text on tissue itself is left.
    """
    sector = find_sector(grey)
    height, width = grey.shape
    scale = min(1.0, _WORK_SIDE_PX / max(height, width))
    small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    bulk, bars = (_enlarged(mask, width, height) for mask in _bulk_and_bars(small))
    strokes = np.asarray(sector & ~bulk & (grey > _STROKE), np.uint8)
    text = cv2.dilate(strokes, _ellipse(_HALO_PX)) > 0
    return np.asarray(sector & ~bars & (bulk | ~text), bool)


def _bulk_and_bars(small: Grey) -> tuple[Grey, Grey]:
    """The bright areas thicker than a line of text, with what they enclose: tissue, and machines' bars."""
    bright = np.asarray(small > _DARK, np.uint8)
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, _ellipse(3))
    thick = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _ellipse(_LINE_PX))
    thick = cv2.bitwise_and(
        cv2.dilate(thick, _ellipse(_LINE_PX // 2)), closed
    )  # the corners that opening has rounded off
    outlines, _ = cv2.findContours(thick, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    bulk, bars = np.zeros_like(small), np.zeros_like(small)
    for outline in outlines:
        area = cv2.drawContours(np.zeros_like(small), [outline], -1, 1, cv2.FILLED)
        is_bar = _is_flat(small[(area > 0) & (bright > 0)]) or _is_long_rectangle(outline, small.shape)
        (bars if is_bar else bulk)[area > 0] = 1
    return bulk, bars


def _is_flat(greys: Grey) -> bool:
    counts = np.convolve(np.bincount(greys, minlength=256), np.ones(_FLAT_GREYS), "same")
    return bool(counts.max() > _FLAT_SHARE * len(greys))


def _is_long_rectangle(outline: MatLike, shape: tuple[int, ...]) -> bool:
    _, _, width, height = cv2.boundingRect(outline)
    shares = sorted((height / shape[0], width / shape[1]))
    filled = cv2.contourArea(outline) > _BAR_FILL * max(1, (width - 1) * (height - 1))
    return bool(shares[0] < _BAR_THICK and shares[1] > _BAR_LONG and filled)


def _enlarged(mask: Grey, width: int, height: int) -> Mask:
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), bool)


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
