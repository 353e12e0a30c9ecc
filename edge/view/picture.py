"""A frame as a picture made of half blocks, two pixels a character: lesion outlined, removed text dotted."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from edge.view.messages import Polygons, Preview
from edge.view.style import OUTLINE, REMOVED

_RAMP = " ·:-=+*#%@"  # dark to bright, for terminals without enough colours
_OUTLINE_SIGN, _REMOVED_SIGN = "o", "x"
_DOT = 2  # every second pixel of a dotted line is drawn


class Picture:
    """A renderable that fills the space given, keeping the picture's proportions."""

    def __init__(self, preview: Preview) -> None:
        self.preview = preview

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or options.max_height
        colours = console.color_system in ("truecolor", "256") and not console.no_color
        lines = _drawn(self.preview, options.max_width, height, colours)
        if not lines:
            yield Text("this picture can't be shown", justify="center")
        for line in lines:
            yield from line
            yield Segment.line()


@lru_cache(maxsize=4)  # a heartbeat redraws the screen, not the picture
def _drawn(preview: Preview, width: int, height: int, colours: bool) -> list[list[Segment]]:
    image = cv2.imdecode(np.frombuffer(preview.png, np.uint8), cv2.IMREAD_COLOR)
    if image is None or width < 1 or height < 1:
        return []
    image = image[..., ::-1]  # OpenCV has blue first
    scale = min(width / image.shape[1], 2 * height / image.shape[0])
    columns = max(1, round(image.shape[1] * scale))
    rows = max(1, round(image.shape[0] * scale / 2))
    small = np.asarray(cv2.resize(image, (columns, 2 * rows), interpolation=cv2.INTER_AREA), np.uint8)
    outline = _outline(preview, preview.outline, columns, 2 * rows)
    removed = _outline(preview, preview.annotations, columns, 2 * rows) & ~outline
    lines = _blocks(small, outline, removed) if colours else _signs(small, outline, removed)
    blank, left = [Segment(" " * width)], [Segment(" " * ((width - columns) // 2))]
    return [blank] * ((height - rows) // 2) + [left + line for line in lines]


def _outline(preview: Preview, polygons: Polygons, columns: int, rows: int) -> NDArray[np.bool_]:
    drawn = np.zeros((rows, columns), np.uint8)
    factor = np.array([columns / preview.width, rows / preview.height])
    for polygon in polygons:
        points = np.clip(np.array(polygon).reshape(-1, 2) * factor, 0, [columns - 1, rows - 1])
        cv2.polylines(drawn, [points.astype(np.int32)], isClosed=True, color=1)
    return np.asarray(drawn, bool)


def _blocks(
    image: NDArray[np.uint8], outline: NDArray[np.bool_], removed: NDArray[np.bool_]
) -> list[list[Segment]]:
    painted = image.copy()
    painted[outline] = OUTLINE
    painted[_dotted(removed)] = REMOVED
    pairs = np.concatenate([painted[::2], painted[1::2]], axis=2)  # (rows, columns, 6): top, bottom
    return [_runs([tuple(cell) for cell in row]) for row in pairs.tolist()]


def _runs(cells: list[tuple[int, ...]]) -> list[Segment]:
    """One segment per run of equal cells: large dark areas cost little."""
    segments, start = [], 0
    for end in range(1, len(cells) + 1):
        if end == len(cells) or cells[end] != cells[start]:
            segments.append(Segment("▀" * (end - start), _style(cells[start])))
            start = end
    return segments


@lru_cache(maxsize=65536)
def _style(cell: tuple[int, ...]) -> Style:
    return Style(color=Color.from_rgb(*cell[:3]), bgcolor=Color.from_rgb(*cell[3:]))


def _signs(
    image: NDArray[np.uint8], outline: NDArray[np.bool_], removed: NDArray[np.bool_]
) -> list[list[Segment]]:
    grey = image.mean(axis=2).reshape(-1, 2, image.shape[1]).mean(axis=1)
    level = (grey / 256 * len(_RAMP)).astype(int)
    shades = np.array(list(_RAMP))[level]
    for drawn, sign in ((_dotted(removed), _REMOVED_SIGN), (outline, _OUTLINE_SIGN)):
        shades[drawn.reshape(-1, 2, drawn.shape[1]).any(axis=1)] = sign
    return [[Segment("".join(line))] for line in shades]


def _dotted(line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    y, x = np.indices(line.shape)
    return np.asarray(line & ((x + y) % _DOT == 0), bool)
