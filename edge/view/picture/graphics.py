"""The terminal as rich writes to it, with pictures put where the screen keeps a place free for them.

rich knows characters only. A `Picture` fills its place with a character that stands for it and that no text
of the screen can hold (edge/view/text.py). Here, on the way to the terminal, the place is painted when the
picture is new, and stepped over while it stays: it is sent once, however often the screen is written.
"""

import io
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, NamedTuple

from rich.cells import cell_len

from edge.protocol.row import Preview
from edge.view.picture import protocols as protocols
from edge.view.picture.blocks import escapes
from edge.view.picture.outlined import Outlined, fitted, outlined

_FIRST = 0xF0000  # a private plane
_NUMBERS = 200  # of pictures; then they begin again
_KEPT = 8  # pictures whose bytes are kept: slides that one goes to and fro between
_PLACE = re.compile("([\U000f0000-\U000ffffd])\\1*")
_ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
_HOME = "\x1b[H"  # with it rich's Live begins to write the whole screen
_THICK_PX = 2
_FINEST = 2.0  # a terminal enlarges the rest itself: bytes cost time over SSH


@dataclass(frozen=True)
class Painted:
    """What to send: `whole` at the first line's beginning, or `lines`, each at its own."""

    whole: str = ""
    lines: tuple[str, ...] = ()
    erase: str = ""


@dataclass(frozen=True)
class Painter:
    """One way of painting.

    Attributes:
        name: "kitty", "iterm2", "sixel" or "blocks".
        cell: width and height of a character, in pixels or in proportion.
        paint: a preview at so many columns and rows, as picture number so; None when it can't be decoded.
    """

    name: str
    cell: tuple[int, int]
    paint: Callable[[Preview, int, int, int], Painted | None]


class _Place(NamedTuple):
    line: int
    column: int
    columns: int


class Drawing(io.TextIOBase):
    """A text file that paints.

    Args:
        terminal: where to write.
    """

    def __init__(self, terminal: IO[str], painter: Painter) -> None:
        self._terminal, self.painter = terminal, painter
        self._numbers: dict[tuple[Preview, int, int], int] = {}
        self._painted: dict[int, Painted | None] = {}
        self._next = 0
        self._shown: dict[int, _Place] = {}
        self._size: os.terminal_size | None = None

    def place(self, preview: Preview, columns: int, rows: int) -> tuple[str, int, int] | None:
        """The character that stands for `preview`, and how many columns and rows to fill with it.

        Returns:
            None when the picture can't be decoded.
        """
        columns, rows = fitted(preview, columns, rows, self.painter.cell)
        key = preview, columns, rows
        if key not in self._numbers:
            self._forget()
            self._next = self._next % _NUMBERS + 1
            self._numbers[key] = self._next
            self._painted[self._next] = self.painter.paint(preview, columns, rows, self._next)
        number = self._numbers[key]
        return None if self._painted[number] is None else (chr(_FIRST + number), columns, rows)

    def painted(self, character: str) -> Painted | None:
        """What `character` of `place` stands for."""
        return self._painted.get(ord(character) - _FIRST)

    def write(self, text: str) -> int:
        if not text.startswith(_HOME):
            self._terminal.write(_PLACE.sub(lambda found: " " * len(found[0]), text))
            return len(text)
        size = self._terminal_size()
        kept = self._shown if size == self._size else {}  # a terminal of a new size shows anything
        places: dict[int, _Place] = {}
        counts: dict[int, int] = {}

        def paint(found: "re.Match[str]") -> str:
            number, width = ord(found[1]) - _FIRST, len(found[0])
            painted = self._painted.get(number)
            line = counts[number] = counts.get(number, -1) + 1
            if line == 0:
                places[number] = _place(text, found.start(), width)
            step = f"\x1b[{width}C"
            if painted is None or kept.get(number) == places[number]:
                return step
            if painted.lines:
                return painted.lines[line] if line < len(painted.lines) else step
            return f"\x1b7{painted.whole}\x1b8{step}" if line == 0 else step

        written = _PLACE.sub(paint, text)
        gone = [number for number in self._shown if number not in places]
        self._terminal.write(written + "".join(self._erase(number) for number in gone))
        self._shown, self._size = places, size
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's."""
        return str(getattr(self._terminal, "encoding", None) or "utf-8")

    def flush(self) -> None:
        self._terminal.flush()

    def fileno(self) -> int:
        return self._terminal.fileno()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def end(self) -> None:
        """Take what is shown off the terminal."""
        self._terminal.write("".join(map(self._erase, self._shown)))
        self._terminal.flush()
        self._shown = {}

    def _terminal_size(self) -> os.terminal_size | None:
        try:
            return os.get_terminal_size(self.fileno())
        except OSError:  # the window was closed
            return None

    def _erase(self, number: int) -> str:
        painted = self._painted.get(number)
        return painted.erase if painted else ""

    def _forget(self) -> None:
        """Drop the oldest picture that is not on the screen."""
        old = [key for key, number in self._numbers.items() if number not in self._shown]
        if len(self._numbers) >= _KEPT and old:
            del self._painted[self._numbers.pop(old[0])]


def _place(text: str, at: int, width: int) -> _Place:
    begin = text.rfind("\n", 0, at) + 1
    return _Place(text.count("\n", 0, at), cell_len(_ESCAPE.sub("", text[begin:at])), width)


def blocks(truecolor: bool) -> Painter:
    def paint(preview: Preview, columns: int, rows: int, _number: int) -> Painted | None:
        drawn = outlined(preview, columns, 2 * rows)
        return Painted(lines=tuple(escapes(drawn.pixels, truecolor))) if drawn else None

    return Painter("blocks", (1, 2), paint)


def kitty(cell: tuple[int, int]) -> Painter:
    def paint(preview: Preview, columns: int, rows: int, number: int) -> Painted | None:
        drawn = _in_cells(preview, columns, rows, cell, _FINEST)
        if drawn is None:
            return None
        whole = protocols.kitty(drawn.pixels, columns, rows, number)
        return Painted(whole, erase=protocols.kitty_erase(number))

    return Painter("kitty", cell, paint)


def iterm2(cell: tuple[int, int]) -> Painter:
    def paint(preview: Preview, columns: int, rows: int, _number: int) -> Painted | None:
        drawn = _in_cells(preview, columns, rows, cell, _FINEST)
        return Painted(protocols.iterm2(drawn.pixels, columns, rows)) if drawn else None

    return Painter("iterm2", cell, paint)


def sixel(cell: tuple[int, int]) -> Painter:
    def paint(preview: Preview, columns: int, rows: int, _number: int) -> Painted | None:
        drawn = _in_cells(preview, columns, rows, cell)
        return Painted(protocols.sixel(drawn.pixels)) if drawn else None

    return Painter("sixel", cell, paint)


def embedded(cell: tuple[int, int]) -> Painter:
    """For a page, not a terminal: the picture as an address that holds it (RFC 2397)."""

    def paint(preview: Preview, columns: int, rows: int, _number: int) -> Painted | None:
        drawn = _in_cells(preview, columns, rows, cell, _FINEST)
        return Painted(f"data:image/png;base64,{protocols.png(drawn.pixels)}") if drawn else None

    return Painter("embedded", cell, paint)


def _in_cells(
    preview: Preview, columns: int, rows: int, cell: tuple[int, int], finest: float = math.inf
) -> Outlined | None:
    """`preview` in the pixels of `columns` x `rows` characters; never more than `finest` times its own."""
    width, height = columns * cell[0], rows * cell[1]
    less = min(1.0, finest * preview.width / width)
    return outlined(preview, max(1, round(width * less)), max(1, round(height * less)), _THICK_PX)
