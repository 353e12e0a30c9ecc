"""Two sectors that stand side by side on one screen."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Grey, Mask
from scanside.scan.sector.contour import find_sector
from scanside.scan.sector.edges import find_edges
from scanside.scan.sector.screen import find_lit, find_screen
from scanside.scan.sector.tissue import bright_areas, hull_of, outline, to_working_size, without_strokes

_ALIKE = 0.55  # what the smaller of two views has of the larger one's width and height at least
_ALIKE_AREA = 0.35  # and of its area, of which shadows take a part
_SILHOUETTE_PX = 48  # side of the square in which the shapes of two views are compared
_MIRRORED = 0.97  # of what two parts share when one is mirrored, they share as they are


def find_views(grey: Grey) -> tuple[tuple[int, int], ...]:
    """The columns of each view: two when two sectors of like size stand side by side, else one, all columns.

    Args:
        grey: (H, W) uint8, a frame.

    Returns:
        First column and the one after the last, left to right.

    Raises:
        NoTissue: nothing bright, or too small.
    """
    screen = find_screen(grey)
    _, plain = without_strokes(grey[screen.y0 : screen.y1, screen.x0 : screen.x1])
    lit = find_lit(plain)
    small, by = to_working_size(plain[lit.y0 : lit.y1, lit.x0 : lit.x1])
    tissue = bright_areas(small)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(tissue, connectivity=4)
    largest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:2]
    if len(largest) == 2:
        one, two = sorted(largest, key=lambda part: int(stats[part, cv2.CC_STAT_LEFT]))
        first, second = stats[one], stats[two]
        sides, area = [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT], cv2.CC_STAT_AREA
        end, start = first[cv2.CC_STAT_LEFT] + first[cv2.CC_STAT_WIDTH], second[cv2.CC_STAT_LEFT]
        least, most = np.minimum(first, second), np.maximum(first, second)
        alike = (least[sides] > _ALIKE * most[sides]).all() and least[area] > _ALIKE_AREA * most[area]
        shapes = (_silhouette(np.asarray(labels == part, np.uint8), stats[part]) for part in (one, two))
        if start >= end and alike and (_same_shape(*shapes) or find_edges(*outline(tissue)).line.all()):
            middle = screen.x0 + lit.x0 + by * round((end + start) / 2)
            return (0, middle), (middle, grey.shape[1])
    return ((0, grey.shape[1]),)


def _silhouette(part: Grey, box: NDArray[np.integer]) -> Mask:
    x, y, width, height = box[:4]
    hull = hull_of(part[y : y + height, x : x + width])
    return np.asarray(cv2.resize(hull, (_SILHOUETTE_PX,) * 2, interpolation=cv2.INTER_NEAREST) > 0)


def _same_shape(first: Mask, second: Mask) -> bool:
    """Whether two parts have one shape; the halves of a round sector that a shadow cuts mirror each other."""
    same, mirrored = (np.count_nonzero(first & other) for other in (second, second[:, ::-1]))
    return bool(same >= _MIRRORED * mirrored)


def find_sectors(grey: Grey) -> tuple[Mask, ...]:
    """`find_sector` of each view: (H, W) bool masks, left to right."""
    sectors = []
    for first, after in find_views(grey):
        sector = np.zeros(grey.shape, bool)
        sector[:, first:after] = find_sector(grey[:, first:after])
        sectors.append(sector)
    return tuple(sectors)
