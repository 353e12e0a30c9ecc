"""`edge watch`: the live view of a running agent, in the terminal beside the machine (docs/live-view.md)."""

import argparse
import contextlib
import io
import itertools
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text

from edge.commands import options
from edge.view.feed import follow
from edge.view.graphics_detect import GRAPHICS, drawing
from edge.view.screen import about, screen
from edge.view.slides import line
from edge.view.state import View
from edge.view.svg import SVG
from edge.view.terminal import stoppable, terminal
from edge.view.verdict import obstacle
from scanside import RESEARCH_USE
from scanside.errors import SettingError

SNAPSHOT = ConsoleDimensions(110, 32)
_FIRST_CONTACT_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--graphics", choices=GRAPHICS, default="auto", help="how pictures are drawn (auto)")
    parser.add_argument("--once", action="store_true", help="print the screen as it is now and end")
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="save the screen as it is now as SVG and end"
    )


def main(args: argparse.Namespace) -> int:
    console, data = Console(), options.settings(args).data
    with stoppable(), contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it
        if args.svg:
            _save(args.svg, as_svg(first_contact(data)))
        elif args.once:
            console.print(screen(first_contact(data), _now(), console.size), height=console.height)
        elif console.is_terminal:
            with drawing(console, args.graphics):
                show(data, console)
        else:
            report(follow(data), console)
    return 0


def show(data: Path, console: Console, seconds: float | None = None) -> None:
    """Show the live view until Ctrl-C, or for `seconds`; redrawn when something changed."""
    with terminal() as wake, Live(console=console, screen=True, auto_refresh=False) as live:
        shown: object = None
        for view in _for_a_time(follow(data, wake), seconds):
            now, size = _now(), console.size
            state = (view, size, now.replace(second=0, microsecond=0))
            if state != shown:
                live.update(screen(view, now, size), refresh=True)
                shown = state


def report(views: Iterable[View], console: Console) -> None:
    """Without a terminal: a line for each result as it comes, and when contact is lost or found."""
    console.print(RESEARCH_USE)
    printed: set[tuple[str, int]] = set()
    in_contact: bool | None = None
    for view in views:
        if view.in_contact != in_contact:
            in_contact = view.in_contact
            stop = obstacle(view)
            text = Text(stop[1]) if stop and not in_contact else about(view.model)
            console.print(text, soft_wrap=True)
        for row in view.rows:
            if not row.pending and row.key not in printed and view.model:
                printed.add(row.key)
                console.print(line(row, view.model.threshold), soft_wrap=True)


def first_contact(data: Path) -> View:
    """The agent's first snapshot.

    Raises:
        SettingError: no agent answers.
    """
    for view in _for_a_time(follow(data), _FIRST_CONTACT_S):
        if view.in_contact and view.model:
            return view
    raise SettingError(f"no agent answers on {data}. Start one with: edge serve --data {data}")


def as_svg(view: View, size: ConsoleDimensions = SNAPSHOT) -> str:
    """The screen as an SVG picture."""
    console = Console(
        record=True, file=io.StringIO(), width=size.width, height=size.height, color_system="truecolor",
        force_terminal=True, no_color=False,
    )  # fmt: skip
    console.print(screen(view, _now(), size), height=size.height)
    return console.export_svg(title="edge watch", code_format=SVG, unique_id="edge-watch")


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error


def _for_a_time(views: Iterator[View], seconds: float | None) -> Iterator[View]:
    end = None if seconds is None else time.monotonic() + seconds
    return itertools.takewhile(lambda _: end is None or time.monotonic() < end, views)


def _now() -> datetime:
    return datetime.now().astimezone()
