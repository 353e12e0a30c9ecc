"""What is no B-mode though no region says so: pages, M-mode traces and Doppler spectra, by their pixels.

Such screens mostly declare their regions; these rules are for machines that declare none. Each looks for what
tissue does not have: flat areas, layers without a grain, a straight baseline that bright columns stand on.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.errors import NoTissue
from scanside.image import Grey, Mask
from scanside.scan.resize import shrink
from scanside.scan.sector.screen import BLACK, find_screen

Columns = NDArray[np.int16]  # (H, w): a frame averaged to few columns

_WORK_SIDE_PX = 320  # about
_LIT = 20  # grey values above this are drawn; black after JPEG is not

_SCREEN_GREY = 40  # no screen's background is brighter,
_SCREEN_SHARE = 0.2  # and so much of it at least is of that one grey

_FLAT_RANGE = 3  # grey values within a neighbourhood of 5 px; speckle varies more
_PAGE = 0.2  # share of lit pixels whose neighbourhood is flat, from which it is a page

_GRID = 4  # straight lines across the dark make a graph or a table
_ALONE = 0.3  # share of lit pixels about such a line, itself among them

_BAND = 0.12  # of the height: a trace is at least this high,
_SPAN = 0.6  # and this wide
_REACH = 0.03  # of the width: how far apart grey values are compared
_LAYERED = 0.035  # mean square difference along the layers over that across them: below it is M-mode
_MIN_CONTRAST = 20.0  # mean square difference across: less is an empty band

_COLUMNS = 160  # averaging to about so many columns keeps a baseline and blurs speckle
_BASELINE = 0.65  # of the width, unbroken
_DRAWN = 40  # grey value of a baseline at least; the dim end of a sector can be as smooth as one
_STEADY = 10  # grey values from one column of a baseline to the next
_LINE_PX = 4  # and thin, at most a hundredth of the height,
_ONE_GREY = 24  # and of one grey value from end to end
_DEPTH = 0.4  # of the height: a spectrum's columns end before
_MIN_PEAK = 0.06  # of the height: lower is a ruler or a frame
_SOLID = 0.5  # share of lit pixels beside the baseline that stand on it without a gap
_UNEVEN = 0.15  # standard deviation of the columns' heights over their mean: a pulse, not an edge
_FULL = 0.8  # share of lit pixels on the columns' side: above them it is dark
_OTHER_SIDE = 0.25  # of the columns' pixels: flow mostly goes one way


def check_content(grey: Grey) -> None:
    """Refuse what can be told from its pixels to be no scan of tissue.

    Args:
        grey: (H, W) uint8, the part of a frame in which the scan is looked for.

    Raises:
        NoTissue: a page of text or graphs, an M-mode trace or a Doppler spectrum.
    """
    x0, y0, x1, y1 = find_screen(grey)
    grey = grey[y0:y1, x0:x1]
    factor = max(1, round(max(grey.shape) / _WORK_SIDE_PX))
    grey = _on_black(grey)
    small = shrink(grey, factor, factor)
    columns = shrink(grey, 1, max(1, round(grey.shape[1] / _COLUMNS))).astype(np.int16)
    lines = _straight_lines(columns)
    if _is_layered(small):
        raise NoTissue("no 2D tissue region: an M-mode trace")
    if _is_page(small) or _is_grid(columns, lines):
        raise NoTissue("no scan found: a page of text or graphs, or a filled area")
    if _has_spectrum(columns, lines):
        raise NoTissue("no 2D tissue region: a Doppler spectrum")


def _on_black(grey: Grey) -> Grey:
    """`grey` less the grey of its screen, if that has one: else the screen would be the layers of a trace."""
    levels = np.bincount(grey[::4, ::4].ravel(), minlength=256)[: _SCREEN_GREY + 1]
    background = int(levels.argmax())
    filled = levels[max(0, background - 1) : background + 2].sum() > _SCREEN_SHARE * grey[::4, ::4].size
    return np.maximum(grey, background) - np.uint8(background) if filled and background > BLACK else grey


def _is_page(small: Grey) -> bool:
    around = np.ones((5, 5), np.uint8)
    highest = np.asarray(cv2.dilate(small, around), np.int16)
    lit = small > _LIT
    flat = lit & (highest - cv2.erode(small, around) <= _FLAT_RANGE)
    return int(np.count_nonzero(flat)) > _PAGE * max(1, int(np.count_nonzero(lit)))


def _is_layered(small: Grey) -> bool:
    """Whether grey values run on along the rows of a wide band, but change across them.

    Only lit pixels are compared: below a dim sector the step to black runs along its rim like a layer.
    """
    height, width = small.shape
    band, reach = max(8, round(_BAND * height)), max(4, round(_REACH * width))
    levels, lit = small.astype(np.float32), small > _LIT
    along, along_lit = (levels[:, reach:] - levels[:, :-reach]) ** 2, lit[:, reach:] & lit[:, :-reach]
    across, across_lit = (levels[reach:] - levels[:-reach]) ** 2, lit[reach:] & lit[:-reach]
    for top in range(0, height - band - reach + 1, max(1, band // 3)):
        rows = np.s_[top : top + band]
        if min((where[rows].mean(axis=0) > 0.5).mean() for where in (lit, across_lit, along_lit)) < _SPAN:
            continue
        contrast = float(np.mean(across[rows][across_lit[rows]]))
        change = float(np.mean(along[rows][along_lit[rows]]))
        if contrast > _MIN_CONTRAST and change < _LAYERED * contrast:
            return True
    return False


def _is_grid(columns: Columns, lines: Sequence[tuple[int, slice]]) -> bool:
    """Whether straight lines run through the dark."""
    near = max(_LINE_PX, len(columns) // 50)
    alone = 0
    for row, span in lines:
        around = columns[max(0, row - near) : row + 2 * near, span] > _LIT
        alone += bool(around.mean() < _ALONE)
    return alone >= _GRID


def _has_spectrum(columns: Columns, lines: Sequence[tuple[int, slice]]) -> bool:
    """Whether uneven, solid columns stand on one of the lines, with little on that line's other side."""
    return any(_stands_on(columns > _LIT, row, span) for row, span in lines)


def _straight_lines(columns: Columns) -> list[tuple[int, slice]]:
    """Thin horizontal lines of one grey value: their first row, and the columns from end to end."""
    steady = (columns[:, 1:] > _DRAWN) & (np.abs(np.diff(columns, axis=1)) <= _STEADY)
    length = round(_BASELINE * columns.shape[1])
    runs = np.asarray(cv2.erode(steady.astype(np.uint8), np.ones((1, length), np.uint8), borderValue=0))
    rows = np.flatnonzero(runs.any(axis=1))
    lines = []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        if 0 < len(group) <= max(_LINE_PX, len(columns) // 100):
            row, centres = int(group[0]), np.flatnonzero(runs[group[0]])
            span = slice(int(centres[0]) - length // 2, int(centres[-1]) + length // 2)
            if np.ptp(columns[row, span]) <= _ONE_GREY:
                lines.append((row, span))
    return lines


def _stands_on(lit: Mask, row: int, span: slice) -> bool:
    height = lit.shape[0]
    reach, line = round(_DEPTH * height), max(3, height // 150)
    above, below = (
        lit[max(0, row - reach) : max(0, row - line), span][::-1],
        lit[row + line : row + reach, span],
    )
    one, other = (above, below) if above.sum() >= below.sum() else (below, above)
    heights = np.where(one.all(axis=0), len(one), one.argmin(axis=0)) if len(one) else np.zeros(1)
    return bool(
        heights.max() > _MIN_PEAK * height
        and one.mean() < _FULL
        and heights.std() > _UNEVEN * heights.mean()
        and heights.sum() > _SOLID * one.sum()
        and other.sum() < _OTHER_SIDE * one.sum()
    )
