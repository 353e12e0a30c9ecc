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

from edge.view.agent.feed import Feed
from edge.view.agent.sender import Sender, refusal
from edge.view.agent.state import View
from edge.view.agent.studies import Study
from edge.view.focus.focus import STUDY_ENTRIES, Focus, answered, press, settled
from edge.view.focus.keys import Keyboard
from edge.view.focus.pictures import wanted
from edge.view.screen.screen import screen
from edge.view.terminal import need_signs, terminal
from edge.view.text import safe

_DRAWN_EVERY_S = 10  # at least: ages grow
_CHUNK_BYTES = 4096
_REACTION_S = (
    0.5  # a key pressed so soon after the screen changed by itself was meant for what was there before
)
_JUST_CAME = "The screen has just changed by itself: look, and press again."


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

    Raises:
        SettingError: the terminal can't write the screen's signs.
    """
    need_signs(console.encoding)
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
        before = seen = View()  # heard of last; drawn last: keys are meant for that
        study_came_at = slide_came_at = 0.0
        for view in for_a_time(feed.views(), seconds):
            now, size = datetime.now().astimezone(), console.size
            drawn = None if _drained(anew) else drawn
            _drained(sender.wake)
            for entered, problem in sender.answers():
                focus = answered(focus, entered, problem)
            for key in keyboard.presses() if keyboard else ():
                came_at = study_came_at if key in STUDY_ENTRIES else slide_came_at
                just_came = _JUST_CAME if time.monotonic() - came_at < _REACTION_S else ""
                step = press(focus, key, seen, now, refusal(data, read_only) or just_came)
                if step.quit:
                    return
                if step.entered:
                    sender.send(step.entered)
                focus = step.focus
            focus = settled(focus, view, now)
            was, now_shown = focus.look(seen), focus.look(view)
            if was.row and was.slide != now_shown.slide:
                slide_came_at = time.monotonic()
            if was.owner and was.owner != now_shown.owner:
                study_came_at = time.monotonic()
            feed.want(wanted(now_shown, focus))
            state = (view, focus, size, int(now.timestamp()) // _DRAWN_EVERY_S)
            if state != drawn:
                live.update(screen(view, now, size, focus), refresh=True)
                drawn, seen = state, view
            if bell and turned_final(before, view):
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
    for _, problem in sender.finish():
        if problem:
            console.print(safe(problem), markup=False, highlight=False)


def _drained(descriptor: int) -> bool:
    try:
        return bool(os.read(descriptor, _CHUNK_BYTES))
    except BlockingIOError:
        return False
