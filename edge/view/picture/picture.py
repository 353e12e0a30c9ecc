"""A frame as a picture: lesion outlined, removed text dotted; in pixels where the terminal has them."""

from collections.abc import Iterator
from functools import lru_cache

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from edge.protocol.row import Preview
from edge.view.picture.blocks import HALF, runs, signs
from edge.view.picture.graphics import Drawing
from edge.view.picture.outlined import fitted, outlined


class Picture:
    """A renderable that fills the space given, keeping the picture's proportions."""

    def __init__(self, preview: Preview) -> None:
        self.preview = preview

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or options.max_height
        lines, columns = self._lines(console, width, height) if min(width, height) > 0 else ([], 0)
        if not lines:
            yield Text("this picture can't be shown", justify="center")
        for _ in range((height - len(lines)) // 2 if lines else 0):
            yield Segment.line()
        for line in lines:
            yield Segment(" " * ((width - columns) // 2))
            yield from line
            yield Segment.line()

    def _lines(self, console: Console, width: int, height: int) -> tuple[list[list[Segment]], int]:
        """The picture's lines and their width; none when it can't be decoded."""
        terminal = console.file
        if isinstance(terminal, Drawing):
            place = terminal.place(self.preview, width, height)
            if place is None:
                return [], 0
            character, columns, rows = place
            return [[Segment(character * columns)]] * rows, columns
        columns, rows = fitted(self.preview, width, height)
        colours = console.color_system in ("truecolor", "256") and not console.no_color
        return _drawn(self.preview, columns, rows, colours), columns


@lru_cache(maxsize=4)  # a screen without a terminal of its own: printed once, or saved
def _drawn(preview: Preview, columns: int, rows: int, colours: bool) -> list[list[Segment]]:
    drawn = outlined(preview, columns, 2 * rows)
    if drawn is None:
        return []
    if not colours:
        return [[Segment(line)] for line in signs(drawn)]
    return [list(_segments(line)) for line in runs(drawn.pixels)]


def _segments(line: list[tuple[int, tuple[int, ...]]]) -> Iterator[Segment]:
    for count, colours in line:
        top, bottom = Color.from_rgb(*colours[:3]), Color.from_rgb(*colours[3:])
        yield Segment(HALF * count, Style(color=top, bgcolor=bottom))
