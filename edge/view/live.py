"""The live view in a terminal: hears the agent and the keys, draws when something changed."""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from edge.view.feed import Feed
from edge.view.focus import Focus, answered, press, settled
from edge.view.keys import Keyboard
from edge.view.pictures import wanted
from edge.view.screen import screen
from edge.view.sender import Sender, refusal
from edge.view.state import View
from edge.view.studies import Study
from edge.view.terminal import terminal
from edge.view.text import safe

_DRAWN_EVERY_S = 10  # at least: ages grow
_CHUNK_BYTES = 4096


def show(
    data: Path,
    console: Console,
    seconds: float | None = None,
    *,
    focus: Focus | None = None,
    read_only: bool = False,
    bell: bool = False,
) -> None:
    """Show the live view until `q` or Ctrl-C, or for `seconds`.

    Args:
        focus: what is on the screen at first.
        read_only: whether nothing may be entered.
        bell: whether the terminal's bell rings when a study turns final.
    """
    sender = Sender(data)
    try:
        with contextlib.suppress(EOFError):  # the keyboard is gone
            _show(data, console, seconds, focus or Focus(), read_only, bell, sender)
    finally:
        _say_what_failed(sender, console)


def _show(
    data: Path,
    console: Console,
    seconds: float | None,
    focus: Focus,
    read_only: bool,
    bell: bool,
    sender: Sender,
) -> None:
    with terminal() as anew, Live(console=console, screen=True, auto_refresh=False) as live:
        keyboard = Keyboard(sys.stdin.fileno()) if sys.stdin.isatty() else None
        feed = Feed(data, [anew, sender.wake, *([sys.stdin.fileno()] if keyboard else [])])
        drawn: object = None
        before: View | None = None
        for view in for_a_time(feed.views(), seconds):
            now, size = datetime.now().astimezone(), console.size
            drawn = None if _drained(anew) else drawn
            _drained(sender.wake)
            for entered, error in sender.answers():
                focus = answered(focus, entered, error)
            for key in keyboard.presses() if keyboard else ():
                step = press(focus, key, view, now, refusal(data, read_only))
                if step.quit:
                    return
                if step.entered:
                    sender.send(step.entered)
                focus = step.focus
            focus = settled(focus, view, now)
            feed.want(wanted(focus.look(view), focus))
            state = (view, focus, size, int(now.timestamp()) // _DRAWN_EVERY_S)
            if state != drawn:
                live.update(screen(view, now, size, focus), refresh=True)
                drawn = state
            if bell and before and turned_final(before, view):
                console.bell()
            before = view


def turned_final(before: View, now: View) -> list[Study]:
    """The studies that were provisional before and are final now."""
    open_ones = {study.key for study in before.studies or () if study.state == "provisional"}
    return [study for study in now.studies or () if study.state == "final" and study.key in open_ones]


def for_a_time(views: Iterator[View], seconds: float | None) -> Iterator[View]:
    end = None if seconds is None else time.monotonic() + seconds
    return itertools.takewhile(lambda _: end is None or time.monotonic() < end, views)


def _say_what_failed(sender: Sender, console: Console) -> None:
    """Entries that the screen could no longer speak of."""
    for entered, error in sender.finish():
        if error:
            console.print(safe(f"NOT ENTERED: {entered.text}. {error}"), markup=False, highlight=False)


def _drained(descriptor: int) -> bool:
    try:
        return bool(os.read(descriptor, _CHUNK_BYTES))
    except BlockingIOError:
        return False
