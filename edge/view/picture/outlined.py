"""A frame's small picture at any size: the lesion outlined, what was removed dotted."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.protocol.row import Polygons, Preview
from edge.view.screen.style import OUTLINE, REMOVED

Pixels = NDArray[np.uint8]
Line = NDArray[np.bool_]


@dataclass(frozen=True)
class Outlined:
    """
    Attributes:
        plain: (H, W, 3) uint8 RGB, without lines.
        outline, removed: (H, W) bool, where they run; the second has gaps.
    """

    plain: Pixels
    outline: Line
    removed: Line

    @property
    def pixels(self) -> Pixels:
        """(H, W, 3) uint8 RGB, with the lines."""
        painted = np.array(self.plain, np.uint8)
        painted[self.removed] = REMOVED
        painted[self.outline] = OUTLINE
        return painted


def outlined(
    preview: Preview, width: int | None = None, height: int | None = None, thick: int = 1
) -> Outlined | None:
    """`preview` in `width` x `height` pixels, its own when not given; None when it can't be decoded.

    Args:
        thick: of the lines, in pixels; dots are as long.
    """
    image = cv2.imdecode(np.frombuffer(preview.png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    rows, columns = height or image.shape[0], width or image.shape[1]
    shrinks = columns < image.shape[1]
    moved = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    outline = _line(preview, preview.outline, columns, rows, thick)
    removed = _line(preview, preview.annotations, columns, rows, thick) & ~outline
    return Outlined(np.asarray(moved, np.uint8), outline, _dotted(removed, thick))


def fitted(preview: Preview, columns: int, rows: int, cell: tuple[int, int] = (1, 2)) -> tuple[int, int]:
    """Columns and rows of the largest picture of its proportions, where a cell is `cell` wide and high."""
    wide, high = preview.width / cell[0], preview.height / cell[1]
    scale = min(columns / wide, rows / high)
    return max(1, min(columns, round(wide * scale))), max(1, min(rows, round(high * scale)))


def _line(preview: Preview, polygons: Polygons, columns: int, rows: int, thick: int) -> Line:
    drawn = np.zeros((rows, columns), np.uint8)
    factor = np.array([columns / preview.width, rows / preview.height])
    for polygon in polygons:
        points = np.clip(np.array(polygon).reshape(-1, 2) * factor, 0, [columns - 1, rows - 1])
        cv2.polylines(drawn, [points.astype(np.int32)], isClosed=True, color=1, thickness=thick)
    return np.asarray(drawn, bool)


def _dotted(line: Line, dot: int) -> Line:
    y, x = np.indices(line.shape)
    return np.asarray(line & ((x // dot + y // dot) % 2 == 0), bool)
