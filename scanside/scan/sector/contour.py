"""Threshold and contour: which pixels of a region belong to the sector of tissue (thesis, appendix C)."""

from collections.abc import Sequence

import cv2
import numpy as np

from scanside.errors import NoTissue
from scanside.scan.sector.edges import fill_edges, find_edges
from scanside.scan.sector.tissue import bright_areas, hull_of, outline, without_strokes
from scanside.scan.types import Box, Grey, Mask, Size

_LETTER_SHARE = 1 / 60  # of the frame: strokes this near belong to one word
_MIN_CONTRAST = 6.0  # standard deviation of grey values inside: less is a blank or a filled box
_FAR = 0.15  # of the tissue's box: edges that let a sector reach further beyond it are not all found
_MAX_LOST = 0.08  # of the tissue; edges that leave more of it outside are no sector's
_MAX_OF_HULL = 1.4  # of the area of its hull; edges that hold more are none either


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
    strokes, small, by = without_strokes(grey)
    tissue = bright_areas(small)
    edges = find_edges(*outline(tissue))
    sector = fill_edges(edges, Size(*tissue.shape), 1.0)
    box = _clamped(sector, cv2.boundingRect((tissue & sector).astype(np.uint8)))
    sector = _within(sector, box)
    hull = hull_of(tissue)
    lost = np.count_nonzero(tissue.view(bool) & ~sector) / np.count_nonzero(tissue)
    if lost > _MAX_LOST or np.count_nonzero(sector) > _MAX_OF_HULL * np.count_nonzero(hull):
        full = np.asarray(cv2.resize(hull, grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)
        sector = hull > 0
    else:
        full = _within(fill_edges(edges, Size(*grey.shape), 1 / by), _enlarged(box, by, small, grey))
    if float(small[sector].std()) < _MIN_CONTRAST:
        raise NoTissue("no scan found: the image has no texture of tissue")
    return _without_text(full, strokes)


def _clamped(sector: Mask, tissue: Sequence[int]) -> Box:
    """The sector's box; on a side where no edge ends it, but the picture or nothing near, the tissue's."""
    x, y, width, height = cv2.boundingRect(sector.astype(np.uint8))
    tx, ty, tw, th = tissue
    far_x, far_y = _FAR * tw, _FAR * th
    rows, columns = sector.shape
    return Box(
        x0=x if x > 0 and tx - x < far_x else tx,
        y0=y if y > 0 and ty - y < far_y else ty,
        x1=x + width if x + width < columns and x + width - tx - tw < far_x else tx + tw,
        y1=y + height if y + height < rows and y + height - ty - th < far_y else ty + th,
    )


def _enlarged(box: Box, by: int, small: Grey, grey: Grey) -> Box:
    """In pixels of `grey`; what reaches the border of `small` reaches that of `grey`."""
    (height, width), (rows, columns) = grey.shape, small.shape
    x1 = by * box.x1 if box.x1 < columns else width
    y1 = by * box.y1 if box.y1 < rows else height
    return Box(by * box.x0, by * box.y0, x1, y1)


def _within(mask: Mask, box: Sequence[int]) -> Mask:
    x0, y0, x1, y1 = box
    kept = np.zeros_like(mask)
    kept[y0:y1, x0:x1] = mask[y0:y1, x0:x1]
    return kept


def _without_text(sector: Mask, strokes: Grey) -> Mask:
    """The sector without the strokes that run on from strokes outside: text that reaches over its edge."""
    letter = 2 * round(_LETTER_SHARE * max(sector.shape) / 2) + 1
    inside, square = sector.view(np.uint8) * np.uint8(255), np.ones((letter, letter), np.uint8)
    beyond = cv2.dilate(cv2.subtract(strokes, inside), square)
    text = cv2.dilate(cv2.min(cv2.min(beyond, strokes), inside), np.ones((5, 5), np.uint8))
    return np.asarray(cv2.subtract(inside, text) > 0, bool)
