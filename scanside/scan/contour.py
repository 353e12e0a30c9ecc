"""Threshold and contour: which pixels of a region belong to the sector of tissue (thesis, appendix C)."""

from collections.abc import Sequence

import cv2
import numpy as np

from scanside.errors import NoTissue
from scanside.scan.edges import Points, fill_edges, find_edges
from scanside.scan.types import Box, Grey, Mask, Size

_WORK_SIDE_PX = 320  # the sector is found on a frame this large: fast, and text strokes vanish
_DARK = 6  # grey values up to this above the background are its own: what JPEG adds to it
_GREY = 40  # no screen's background is brighter
_STROKE_SHARE = 1 / 250  # of the frame: strokes up to this width are text
_STROKE_CONTRAST = 60  # and so much brighter than what they stand on
_FLAT = 2  # neighbours differ by no more: a title bar or a grey background, not speckle
_FLAT_PX = 5  # flat areas are at least this large at working size
_TEXT_PX = 5  # thinner than this at working size is text, rulers and scale marks
_MIN_AREA = 0.02  # share of the region that a sector covers at least
_PART_AREA = (
    0.2  # of the largest area: a bladder may cut a sector in parts, a grey bar, a thumbnail is smaller
)
_MIN_CONTRAST = 6.0  # standard deviation of grey values inside: less is a blank or a filled box
_ALIKE = 0.6  # what the smaller of two views has of the larger one's area, width and height at least
_FAR = 0.15  # of the tissue's box: edges that let a sector reach further beyond it are not all found
_MIN_OF_HULL, _MAX_OF_HULL = 0.6, 1.4  # edges that hold less or more of the tissue's hull are no sector's


def find_sector(grey: Grey) -> Mask:
    """The sector whose straight edges and arcs hold the large bright areas of `grey`.

    Where the outline has no such edges, it is the convex hull of these areas: a dark cyst at the edge would
    otherwise be cut away with the background.

    Args:
        grey: (H, W) uint8, one region of a frame.

    Returns:
        (H, W) bool, True inside the sector.

    Raises:
        NoTissue: nothing bright, too small, or without any texture.
    """
    small, scale = _without_strokes(grey)
    tissue = _bright_areas(small)
    edges = find_edges(*_outline(tissue))
    sector = fill_edges(edges, Size(*tissue.shape), 1.0)
    box = _clamped(sector, cv2.boundingRect((tissue & sector).astype(np.uint8)))
    sector = _within(sector, box)
    hull = _hull(tissue)
    if not _MIN_OF_HULL < np.count_nonzero(sector) / np.count_nonzero(hull) < _MAX_OF_HULL:
        full = cv2.resize(hull, grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        sector = hull > 0
    else:
        full = _within(fill_edges(edges, Size(*grey.shape), scale), tuple(round(v / scale) for v in box))
    if float(small[sector].std()) < _MIN_CONTRAST:
        raise NoTissue("no scan found: the image has no texture of tissue")
    return full


def find_views(grey: Grey) -> tuple[tuple[int, int], ...]:
    """The columns of each view: two when two sectors of like size stand side by side, else one, all columns.

    Args:
        grey: (H, W) uint8, a frame.

    Returns:
        First column and the one after the last, left to right.

    Raises:
        NoTissue: nothing bright, or too small.
    """
    small, scale = _without_strokes(grey)
    count, _, stats, _ = cv2.connectedComponentsWithStats(_bright_areas(small), connectivity=4)
    largest = sorted(stats[1:], key=lambda part: -int(part[cv2.CC_STAT_AREA]))[:2]
    if count > 2:
        first, second = sorted(largest, key=lambda part: int(part[cv2.CC_STAT_LEFT]))
        alike = (cv2.CC_STAT_AREA, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
        end, start = first[cv2.CC_STAT_LEFT] + first[cv2.CC_STAT_WIDTH], second[cv2.CC_STAT_LEFT]
        if start >= end and all(
            min(a, b) > _ALIKE * max(a, b) for a, b in zip(first[alike,], second[alike,], strict=True)
        ):
            middle = round((end + start) / 2 / scale)
            return (0, middle), (middle, grey.shape[1])
    return ((0, grey.shape[1]),)


def find_sectors(grey: Grey) -> tuple[Mask, ...]:
    """`find_sector` of each view: (H, W) bool masks, left to right."""
    sectors = []
    for first, after in find_views(grey):
        sector = np.zeros(grey.shape, bool)
        sector[:, first:after] = find_sector(grey[:, first:after])
        sectors.append(sector)
    return tuple(sectors)


def _without_strokes(grey: Grey) -> tuple[Grey, float]:
    """A small picture without text, and how many times the size of `grey` it is."""
    screen = max(grey.shape[1], 4 * grey.shape[0] / 3)  # how wide it is; also where `grey` is half of it
    scale = min(1.0, _WORK_SIDE_PX / screen)
    stroke = np.ones((1 + 2 * round(screen * _STROKE_SHARE / 2),) * 2, np.uint8)
    opened = cv2.morphologyEx(grey, cv2.MORPH_OPEN, stroke)
    stands_out = cv2.subtract(grey, opened) > _STROKE_CONTRAST
    plain = np.where(stands_out, opened, grey)
    small = cv2.resize(plain, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scale


def _bright_areas(small: Grey) -> Grey:
    """1 where tissue is bright: without text, bars and what is evenly filled."""
    square = np.ones((3, 3), np.uint8)
    spread = cv2.subtract(cv2.dilate(small, square), cv2.erode(small, square))
    even = cv2.morphologyEx((spread <= _FLAT).astype(np.uint8), cv2.MORPH_OPEN, _ellipse(_FLAT_PX))
    background = float(np.percentile(small[even > 0], 20)) if even.any() else 0.0
    unlike = cv2.absdiff(small, np.full_like(small, min(background, _GREY)))  # a cyst is darker than grey
    bright = ((unlike > _DARK) & (even == 0)).astype(np.uint8)
    # Speckle has dark gaps: close them first, then drop what is thin.
    closed = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, _ellipse(3))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _ellipse(_TEXT_PX))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if max(areas, default=0) < _MIN_AREA * small.size:
        raise NoTissue("no scan found: the image is black or holds only text")
    kept = np.concatenate([[False], areas >= _PART_AREA * areas.max()])
    return np.asarray(kept[labels], np.uint8)


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _outline(tissue: Grey) -> tuple[list[Points], Points]:
    """The tissue's outline as seen from above, below, left and right, and a point in its middle.

    Where tissue reaches the picture's border there is no edge to see.
    """
    sides = []
    for turned, swapped in ((tissue, False), (tissue.T, True)):
        first, last = turned.argmax(axis=0), len(turned) - 1 - turned[::-1].argmax(axis=0)
        filled = turned.any(axis=0)
        for at, border in ((first, 0), (last, len(turned) - 1)):
            along = np.flatnonzero(filled & (at != border))
            pair = (at[along], along) if swapped else (along, at[along])
            sides.append(np.stack(pair, axis=1).astype(np.float32))
    rows, columns = np.nonzero(tissue)
    return sides, np.array([[columns.mean(), rows.mean()]], np.float32)


def _hull(tissue: Grey) -> Grey:
    contours, _ = cv2.findContours(tissue, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(contours))
    return np.asarray(cv2.fillConvexPoly(np.zeros_like(tissue), hull, 1), np.uint8)


def _clamped(sector: Mask, tissue: Sequence[int]) -> Box:
    """The sector's box; on a side where it reaches far beyond all tissue an edge is missing: the tissue's."""
    x, y, width, height = cv2.boundingRect(sector.astype(np.uint8))
    tx, ty, tw, th = tissue
    far_x, far_y = _FAR * tw, _FAR * th
    return Box(
        x0=x if tx - x < far_x else tx,
        y0=y if ty - y < far_y else ty,
        x1=x + width if x + width - tx - tw < far_x else tx + tw,
        y1=y + height if y + height - ty - th < far_y else ty + th,
    )


def _within(mask: Mask, box: Sequence[int]) -> Mask:
    x0, y0, x1, y1 = box
    kept = np.zeros_like(mask)
    kept[y0:y1, x0:x1] = mask[y0:y1, x0:x1]
    return kept
