"""Threshold and contour: which pixels of a region belong to the sector of tissue (thesis, appendix C)."""

from collections.abc import Sequence

import cv2
import numpy as np

from scanside.errors import NoTissue
from scanside.image import Box, Grey, Mask, Size
from scanside.scan.sector.edges import fill_edges, find_edges
from scanside.scan.sector.screen import find_lit, find_screen
from scanside.scan.sector.tissue import bright_areas, hull_of, outline, to_working_size, without_strokes

_LETTER_SHARE = 1 / 60  # of the frame: strokes this near belong to one word
_LINE_PX = 9  # working size: a line of text is thinner than this, tissue is not
_THICK = 0.8  # of the tissue: so much at least is thicker than a line of text; of real scans .95 is
_CORNER_PX = 5  # at working size: how much of a corner that opening rounds off comes back
_GAP_PX = 15  # working size: through a narrower gap no text is written into a cyst
_BRIGHT = 40  # text is drawn to be read: brighter than this; the faint specks of deep tissue mostly are not
_HALO_PX = 9  # side of the ellipse that covers a stroke and its smoothed edge, source pixels
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
        (H, W) bool, True inside the sector; never in a bar of text along the screen, nor where text stands
        beside tissue. Text on tissue stays.

    Raises:
        NoTissue: nothing bright, too small, or without any texture.
    """
    screen = find_screen(grey)
    inside = grey[screen.y0 : screen.y1, screen.x0 : screen.x1]
    strokes, plain = without_strokes(inside)
    x0, y0, x1, y1 = lit = find_lit(plain)  # where the text around begins and ends moves nothing
    sector = np.zeros(inside.shape, bool)
    sector[y0:y1, x0:x1] = _sector(inside[y0:y1, x0:x1], plain[y0:y1, x0:x1])
    full = np.zeros(grey.shape, bool)
    full[screen.y0 : screen.y1, screen.x0 : screen.x1] = _without_text(sector, strokes, lit.size)
    return full


def _sector(grey: Grey, plain: Grey) -> Mask:
    """The sector in `grey`, of which `plain` is all but the text."""
    small, by = to_working_size(plain)
    tissue = bright_areas(small)
    thick = np.asarray(cv2.morphologyEx(tissue, cv2.MORPH_OPEN, _ellipse(_LINE_PX)), np.uint8)
    if np.count_nonzero(thick) < _THICK * np.count_nonzero(tissue):
        raise NoTissue("no scan found: the image is black or holds only text")
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
    return full & ~_text_beside(grey, full, thick)


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


def _without_text(sector: Mask, strokes: Grey, size: Size) -> Mask:
    """The sector without the strokes that run on from strokes outside: text that reaches over its edge."""
    letter = 2 * round(_LETTER_SHARE * max(size) / 2) + 1
    inside, square = sector.view(np.uint8) * np.uint8(255), np.ones((letter, letter), np.uint8)
    beyond = cv2.dilate(cv2.subtract(strokes, inside), square)
    text = cv2.dilate(cv2.min(cv2.min(beyond, strokes), inside), np.ones((5, 5), np.uint8))
    return np.asarray(cv2.subtract(inside, text) > 0, bool)


def _text_beside(grey: Grey, sector: Mask, thick: Grey) -> Mask:
    """Text that stands on black within the sector's edges: above a curved face, beside a shadow."""
    solid = cv2.morphologyEx(cv2.dilate(thick, _ellipse(_CORNER_PX)), cv2.MORPH_CLOSE, _ellipse(_GAP_PX))
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    solid = cv2.drawContours(np.zeros_like(solid), outlines, -1, 1, cv2.FILLED)
    solid = cv2.resize(solid, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    beside = cv2.subtract(sector.view(np.uint8), solid)
    drawn = cv2.min(cv2.threshold(grey, _BRIGHT, 1, cv2.THRESH_BINARY)[1], beside)
    return np.asarray(cv2.min(cv2.dilate(drawn, _ellipse(_HALO_PX)), beside) > 0, bool)


def _ellipse(side: int) -> Grey:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
