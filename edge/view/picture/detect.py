"""Which way of painting a terminal understands: by what it calls itself, else by asking whether it has sixel.

The question is one that no terminal prints by mistake, and its answers are such that a key reader skips them
whole when they come late. No answer in time means half blocks.
"""

import array
import contextlib
import fcntl
import os
import re
import select
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from typing import IO, cast

from rich.console import Console

from edge.view.picture import graphics
from edge.view.picture.graphics import Drawing, Painter

GRAPHICS = ("auto", "kitty", "iterm2", "sixel", "blocks")
_ANSWER_S = 0.15
_QUESTION = b"\x1b[16t\x1b[c"  # a character's size in pixels; primary device attributes, which all answer
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_SIXEL = b"4"
_SMALL_CELL = (8, 16)  # where the size is unknown: a picture that is too small hides nothing
_MAX_CELL = 200


@contextlib.contextmanager
def drawing(console: Console, wanted: str = "auto") -> Iterator[None]:
    """Let `console` paint pictures in its terminal, if it is one, as `wanted` (one of GRAPHICS) says."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield
        return
    painter = _painter(console, wanted, os.environ)
    if painter is None:
        yield
        return
    terminal = console.file
    drawn = Drawing(terminal, painter)
    console.file = cast(IO[str], drawn)
    try:
        yield
    finally:
        console.file = terminal
        drawn.end()


def _painter(console: Console, wanted: str, environment: Mapping[str, str]) -> Painter | None:
    """None where there are too few colours: a picture is then made of signs, which rich writes itself."""
    cell = _cell_px()
    if wanted == "auto" and console.color_system and not console.no_color:
        wanted, cell = _found(environment, cell)
    if wanted == "kitty":
        return graphics.kitty(cell or _SMALL_CELL)
    if wanted == "iterm2":
        return graphics.iterm2(cell or _SMALL_CELL)
    if wanted == "sixel":
        return graphics.sixel(cell or _SMALL_CELL)
    coloured = console.color_system in ("truecolor", "256") and not console.no_color
    return graphics.blocks(console.color_system == "truecolor") if coloured else None


def _found(
    environment: Mapping[str, str], cell: tuple[int, int] | None
) -> tuple[str, tuple[int, int] | None]:
    named = named_by(environment)
    if named is not None:
        return named, cell
    has_sixel, answered = _asked()
    cell = cell or answered
    return ("sixel" if has_sixel and cell else "blocks"), cell


def named_by(environment: Mapping[str, str]) -> str | None:
    """What the environment's variables say; None when they say nothing.

    In tmux and screen always half blocks: they keep the text of a screen, and lose what they don't know.
    """
    kind, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or environment.get("STY") or kind.startswith(("tmux", "screen", "linux")):
        return "blocks"
    if kind in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "blocks" if program == "Apple_Terminal" else None


def _asked() -> tuple[bool, tuple[int, int] | None]:
    """Whether the terminal has sixel; its characters' size if it says so."""
    try:
        answer = _answer(sys.stdin.fileno(), sys.stdout.fileno())
    except (OSError, ValueError, termios.error):  # closed, or no terminal
        return False, None
    attributes, cell = _ATTRIBUTES.search(answer), _CELL.search(answer)
    has_sixel = attributes is not None and _SIXEL in attributes[1].split(b";")[1:]
    return has_sixel, _believed(int(cell[2]), int(cell[1])) if cell else None


def _answer(reading: int, writing: int) -> bytes:
    if not (os.isatty(reading) and os.isatty(writing)) or os.tcgetpgrp(reading) != os.getpgrp():
        return b""
    before = termios.tcgetattr(reading)
    silent = [*before[:6], [*before[6]]]
    silent[3] &= ~(termios.ECHO | termios.ICANON)
    silent[6][termios.VMIN], silent[6][termios.VTIME] = 0, 0
    termios.tcsetattr(reading, termios.TCSADRAIN, silent)
    try:
        os.write(writing, _QUESTION)
        answer, end = b"", time.monotonic() + _ANSWER_S
        while not _ATTRIBUTES.search(answer) and (left := end - time.monotonic()) > 0:
            if not select.select([reading], [], [], left)[0]:
                break
            received = os.read(reading, 1024)
            if not received:
                break
            answer += received
        return answer
    finally:
        termios.tcsetattr(reading, termios.TCSADRAIN, before)


def _cell_px() -> tuple[int, int] | None:
    """Width and height of a character, by the window's size; None where the terminal does not tell."""
    size = array.array("H", [0, 0, 0, 0])  # rows, columns, width and height in pixels
    try:
        fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, size)
    except (OSError, ValueError):
        return None
    rows, columns, width, height = size
    return _believed(width // columns, height // rows) if rows and columns else None


def _believed(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if 2 <= width <= _MAX_CELL and 2 <= height <= _MAX_CELL else None
