"""Where tissue is bright in a small picture of a frame: without text, bars and what is evenly filled."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.errors import NoTissue
from scanside.image import Grey
from scanside.scan.resize import shrink
from scanside.scan.sector.edges import Points

_WORK_SIDE_PX = 320  # the sector is found on a frame this large: fast, and text strokes vanish
_DARK = 6  # grey values up to this above the background are its own: what JPEG adds to it
_GREY = 40  # no screen's background is brighter
_STROKE_SHARE = 1 / 250  # of the frame: strokes up to this width are text
_STROKE_CONTRAST = 60  # and so much brighter than what they stand on
_FLAT = 2  # neighbours differ by no more: a title bar or a grey background, not speckle
_FLAT_PX = 5  # flat areas are at least this large at working size
_TEXT_PX = 5  # thinner than this at working size is text, rulers and scale marks
_MIN_AREA = 0.02  # share of the region that a sector covers at least
_PART_AREA = 0.2  # of the largest area: a bladder may cut a sector in parts
_SLICE_AREA = 0.02  # of the largest area: what is left of tissue above or below a large cyst
_WIDE = 0.2  # of the largest part's width: a logo is narrower
_CYST = 0.6  # of the largest part's height: no cyst between two parts is higher
_STRIP, _STRIP_FILL = 3, 0.7  # a row of small pictures: so many times as wide as high, and so full; no arc is
_SAME_PX = 2  # at working size: what small pictures beside each other differ by at most
_NEAR = 0.15  # of the largest part's height: what lies further off is a thumbnail or a logo


def without_strokes(grey: Grey) -> tuple[Grey, Grey]:
    """What is text (255), and `grey` without it."""
    stroke = np.ones((1 + 2 * round(_width(grey) * _STROKE_SHARE / 2),) * 2, np.uint8)
    opened = cv2.morphologyEx(grey, cv2.MORPH_OPEN, stroke)
    brighter = cv2.subtract(grey, opened)
    _, stands_out = cv2.threshold(brighter, _STROKE_CONTRAST, 255, cv2.THRESH_BINARY)
    smoothed = cv2.dilate(stands_out, np.ones((3, 3), np.uint8))  # a letter's soft edge
    plain = cv2.copyTo(opened, smoothed, grey.copy())
    return np.asarray(stands_out, np.uint8), np.asarray(plain, np.uint8)


def to_working_size(plain: Grey) -> tuple[Grey, int]:
    """A small picture, and how many pixels of `plain` one of its own is wide."""
    by = max(1, int(_width(plain) / _WORK_SIDE_PX + 0.5))
    return shrink(plain, by, by), by


def _width(grey: Grey) -> float:
    """How wide the screen is, in pixels; also where `grey` is half of it."""
    height, width = grey.shape
    return float(max(width, 4 * height / 3))


def bright_areas(small: Grey) -> Grey:
    """1 where tissue is bright: without text, bars and what is evenly filled."""
    square = np.ones((3, 3), np.uint8)
    spread = cv2.subtract(cv2.dilate(small, square), cv2.erode(small, square))
    _, flat = cv2.threshold(spread, _FLAT, 1, cv2.THRESH_BINARY_INV)
    even = cv2.morphologyEx(flat, cv2.MORPH_OPEN, _ellipse(_FLAT_PX))
    background = _background(small, np.asarray(even, np.uint8))
    unlike = cv2.absdiff(small, np.full_like(small, background))  # a cyst is darker than a grey screen
    _, bright = cv2.threshold(unlike, _DARK, 1, cv2.THRESH_BINARY)
    # Speckle has dark gaps: close them first, then drop what is thin.
    closed = cv2.morphologyEx(cv2.subtract(bright, even), cv2.MORPH_CLOSE, _ellipse(3))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _ellipse(_TEXT_PX))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if max(areas, default=0) < _MIN_AREA * small.size:
        raise NoTissue("no scan found: the image is black or holds only text")
    kept = _are_tissue(np.asarray(stats[1:], np.int32))
    return np.concatenate([[False], kept]).astype(np.uint8)[np.asarray(labels)]


def _are_tissue(parts: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(N,): the largest part, large ones level with it or close, and what a cyst cuts off."""
    x, y, width, height, area = parts.T
    largest = area.argmax()
    gap = np.maximum(y - (y + height)[largest], y[largest] - (y + height)) / height[largest]
    beside = (area >= _PART_AREA * area[largest]) & (gap <= _NEAR)
    inner = (x >= x[largest]) & (x + width <= (x + width)[largest]) & (width > _WIDE * width[largest])
    beyond = inner & (area >= _SLICE_AREA * area[largest]) & (gap <= _CYST)
    strip = ~inner & (gap > 0) & (width > _STRIP * height) & (area > _STRIP_FILL * width * height)
    return np.asarray((beside & ~strip) | (beyond & ~_are_twins(parts)), bool)


def _are_twins(parts: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(N,): level with another part of the same size: one of a row of small pictures. The largest is none."""
    y, width, height = (parts[:, column] for column in (1, 2, 3))
    alike = [abs(values[:, None] - values) <= _SAME_PX for values in (y, width, height)]
    twins = np.logical_and.reduce(alike) & ~np.eye(len(parts), dtype=bool)
    largest = parts[:, 4].argmax()
    twins[largest] = twins[:, largest] = False
    return np.asarray(twins.any(axis=1), bool)


def _background(small: Grey, even: Grey) -> int:
    """The grey of the screen: below it lies a fifth of what is evenly filled."""
    levels = np.cumsum(cv2.calcHist([small], [0], even, [256], [0, 256]))
    return min(int(np.searchsorted(levels, 0.2 * levels[-1])), _GREY) if levels[-1] else 0


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def hull_of(tissue: Grey) -> Grey:
    contours, _ = cv2.findContours(tissue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(contours))
    return np.asarray(cv2.fillConvexPoly(np.zeros_like(tissue), hull, 1), np.uint8)


def outline(tissue: Grey) -> tuple[list[Points], Points]:
    """The tissue's outline as seen from above, below, left and right, and a point in its middle.

    Where tissue reaches the picture's border there is no edge to see.
    """
    sides = []
    lit = tissue.view(np.bool_)
    # Along contiguous rows: numpy looks for the first True several times as fast there.
    for turned, swapped in ((np.ascontiguousarray(lit.T), False), (lit, True)):
        end = turned.shape[1] - 1
        first, last = turned.argmax(axis=1), end - np.ascontiguousarray(turned[:, ::-1]).argmax(axis=1)
        filled = turned.any(axis=1)
        for at, border in ((first, 0), (last, end)):
            along = np.flatnonzero(filled & (at != border))
            pair = (at[along], along) if swapped else (along, at[along])
            sides.append(np.stack(pair, axis=1).astype(np.float32))
    sums = cv2.moments(tissue, binaryImage=True)
    return sides, np.array([[sums["m10"], sums["m01"]]], np.float32) / np.float32(sums["m00"])
