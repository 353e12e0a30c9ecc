"""`edge watch`: the live view of a running agent, in the terminal beside the machine (docs/live-view.md)."""

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from rich.console import Console, ConsoleDimensions
from rich.text import Text

from edge.commands import options
from edge.view.agent.feed import Feed, follow
from edge.view.agent.state import View
from edge.view.focus.focus import Focus
from edge.view.focus.pictures import wanted
from edge.view.live import for_a_time, show
from edge.view.picture.detect import GRAPHICS, drawing
from edge.view.picture.svg import exported
from edge.view.plain import json_lines, plain_lines
from edge.view.screen.screen import screen
from edge.view.terminal import need_signs, stoppable
from scanside.errors import SettingError

__all__ = ["SNAPSHOT", "add_arguments", "as_svg", "first_contact", "main", "save", "show"]
SNAPSHOT = ConsoleDimensions(110, 32)
_FIRST_CONTACT_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print the screen as it is now and end")
    how.add_argument("--svg", type=Path, metavar="FILE", help="save the screen as it is now as SVG and end")
    how.add_argument("--plain", action="store_true", help="plain lines, for a screen reader")
    how.add_argument("--json", action="store_true", help="the agent's messages as JSON lines")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--privacy", action="store_true", help="name nobody (with --svg always)")
    who.add_argument("--show-identity", action="store_true", help="name patients in --svg too")
    parser.add_argument("--read-only", action="store_true", help="enter nothing")
    parser.add_argument("--graphics", choices=GRAPHICS, default="auto", help="how pictures are drawn (auto)")
    parser.add_argument("--bell", action="store_true", help="ring once when a study turns final")


def main(args: argparse.Namespace) -> int:
    console, data = Console(), options.settings(args).data
    if args.json and args.privacy:
        raise SettingError("--json says everything as the agent does, names too. Leave out --privacy.")
    focus = Focus(hidden=args.privacy or (bool(args.svg) and not args.show_identity))
    in_terminal = console.is_terminal and not console.is_dumb_terminal
    if not data.is_dir() and (args.plain or args.json or not in_terminal):  # nobody sees that it waits
        raise SettingError(f"there is no data folder {data}. Give that of the agent with --data or --config.")
    with stoppable(), contextlib.suppress(KeyboardInterrupt):  # the ordinary way to end it
        if args.svg:
            save(args.svg, as_svg(first_contact(data, focus), focus=focus))
        elif args.once:
            need_signs(console.encoding)
            view = first_contact(data, focus)
            console.print(screen(view, _now(), console.size, focus), height=console.height)
        elif args.json:
            _print(console, json_lines(Feed(data)))
        elif in_terminal and not args.plain:
            with drawing(console, args.graphics):
                show(data, console, focus=focus, read_only=args.read_only, bell=args.bell)
        else:
            _print(console, plain_lines(follow(data), args.privacy))
    return 0


def first_contact(data: Path, focus: Focus | None = None) -> View:
    """The agent's first snapshot; with what `focus` shows, if that comes soon.

    Raises:
        SettingError: no agent answers.
    """
    feed, found = Feed(data), None
    for view in for_a_time(feed.views(), _FIRST_CONTACT_S):
        if view.in_contact and view.model:
            found = view
            missing = wanted(focus.look(view), focus) if focus else None
            if missing is None:
                return view
            feed.want(missing)
    if found is None:
        raise SettingError(f"no agent answers on {data}. Start one with: edge serve --data {data}")
    return found


def as_svg(view: View, size: ConsoleDimensions = SNAPSHOT, focus: Focus | None = None) -> str:
    """The screen as an SVG picture."""
    return exported(screen(view, _now(), size, focus or Focus()), size)


def _print(console: Console, lines: Iterable[str]) -> None:
    """A name with letters that the output can't hold is printed with escapes, as `\\u0142`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error


def _now() -> datetime:
    return datetime.now().astimezone()
