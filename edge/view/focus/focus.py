"""What a person looks at, and what each key makes of it: a state machine without a terminal.

The screen follows the newest slide of the newest study. Who goes to another slide stays with it
until the next patient comes; who goes to an earlier study, holds the screen or makes an entry stays there
until they leave.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from edge.view.agent.messages import SlideKey, StudyKey
from edge.view.agent.state import View
from edge.view.focus import entry as entries
from edge.view.focus.entry import PATIENCE, Entered, Entry
from edge.view.focus.keys import Paste
from edge.view.focus.shown import Shown, look

NOTICES = 3  # are shown at once
_SAID, _WAITS, _FAILED = "said", "waits", "failed"
STUDY_ENTRIES = ("m",)
_SLIDE_ENTRIES = {"s": entries.side, "x": entries.leave_out, "d": entries.dispute}
_LESION = "l"


@dataclass(frozen=True)
class Notice:
    """What became of an entry; "failed" stays until Escape, "waits" until the agent answers."""

    text: str
    kind: str = _SAID
    study: StudyKey | None = None


@dataclass(frozen=True)
class Focus:
    """What is on the screen.

    Attributes:
        study: None for the newest.
        slide: None for the newest with a result.
        picture: "preview", "prepared" or "saliency".
        of_study: whether the large figure is the study's.
        hidden: whether nobody may be named.
        opened: studies of another day whose risk a person asked for.
        held: what the agent had said when the screen was held; None while it is not.
    """

    study: StudyKey | None = None
    slide: SlideKey | None = None
    picture: str = "preview"
    outline: bool = True
    of_study: bool = False
    hidden: bool = False
    help: bool = False
    opened: frozenset[StudyKey] = frozenset()
    held: View | None = None
    entry: Entry | None = None
    notices: tuple[Notice, ...] = ()

    def look(self, view: View) -> Shown:
        """What of `view` is on the screen."""
        owner, slide = self.study, self.slide
        if self.entry:
            owner, slide = self.entry.study, self.entry.slide or self.slide
        return look(view, owner, slide, self.held, self.opened)

    def saying(self, notice: Notice) -> "Focus":
        return replace(self, notices=(*self.notices, notice))


@dataclass(frozen=True)
class Step:
    """What a key did: the new focus, and an entry to send or the wish to quit."""

    focus: Focus
    entered: Entered | None = None
    quit: bool = False


def press(focus: Focus, key: str | Paste, view: View, now: datetime, refusal: str = "") -> Step:
    """What `key` does; what was pasted is no key, whatever letters it has, but may be a reason.

    Args:
        view: what the agent has said by now.
        refusal: why this view may not enter anything; empty when it may.
    """
    if isinstance(key, Paste):
        return Step(replace(focus, entry=focus.entry and focus.entry.paste(key.text, now)))
    if focus.entry:
        return _in_entry(focus, focus.entry, key, now)
    focus = replace(focus, notices=_without_said(focus.notices, key))
    if focus.help:
        return Step(replace(focus, help=False))
    if key == "q":
        return Step(focus, quit=True)
    if key in (*STUDY_ENTRIES, *_SLIDE_ENTRIES, _LESION):
        return Step(_begun(focus, key, focus.look(view), now, refusal))
    return Step(_moved(focus, key, view))


def settled(focus: Focus, view: View, now: datetime) -> Focus:
    """Without an entry that nobody goes on with, or whose study is gone: that is said, nothing is sent."""
    entry = focus.entry
    if entry is None:
        return focus
    why = ""
    if now - entry.touched > PATIENCE:
        why = f"no key for {PATIENCE.seconds} s"
    elif entry.study not in view.owners:
        why = "the agent no longer has this study"
    if not why:
        return focus
    gone = Notice(f"{entry.title}: nothing was entered, {why}", _FAILED, entry.study)
    return replace(focus, entry=None).saying(gone)


def answered(focus: Focus, entered: Entered, problem: str) -> Focus:
    """What the agent made of an entry; `problem` is empty when it took it."""
    waiting = Notice(entered.text, _WAITS, entered.study)
    rest = list(focus.notices)
    if waiting in rest:
        rest.remove(waiting)
    said = Notice(f"Entered: {entered.text}", _SAID, entered.study)
    if problem:
        said = Notice(problem, _FAILED, entered.study)
    return replace(focus, notices=(*rest, said))


def _without_said(notices: tuple[Notice, ...], key: str) -> tuple[Notice, ...]:
    """What stays after a key; Escape takes away failures too, but none that was not on the screen yet."""
    shown = notices[-NOTICES:] if key == "escape" else ()
    return tuple(n for n in notices if n.kind == _WAITS or (n.kind == _FAILED and n not in shown))


def _in_entry(focus: Focus, entry: Entry, key: str, now: datetime) -> Step:
    if key == "escape":
        left = Notice(f"{entry.title}: nothing was entered", _SAID, entry.study)
        return Step(replace(focus, entry=None).saying(left))
    entered = entry.entered() if key == "enter" else None
    if entered is None:
        return Step(replace(focus, entry=entry.press(key, now)))
    waiting = Notice(entered.text, _WAITS, entered.study)
    return Step(replace(focus, entry=None).saying(waiting), entered)


def _begun(focus: Focus, key: str, shown: Shown, now: datetime, refusal: str) -> Focus:
    if not shown.view.in_contact:
        refusal = "No contact with the agent: nothing can be entered."
    elif shown.study is None or shown.view.studies is None:
        refusal = refusal or "Nothing can be entered: the agent tells no study here."
    elif key not in STUDY_ENTRIES and shown.row is None:
        refusal = refusal or "There is no slide yet."
    if refusal or shown.study is None:
        return focus.saying(Notice(refusal))
    if key in STUDY_ENTRIES:
        return replace(focus, entry=entries.menopausal_status(shown.study.key, now))
    assert shown.row is not None
    if key == _LESION:
        return replace(focus, entry=entries.lesion(shown.row, shown.number, now, shown.lesions))
    return replace(focus, entry=_SLIDE_ENTRIES[key](shown.row, shown.number, now))


def _moved(focus: Focus, key: str, view: View) -> Focus:
    shown = focus.look(view)
    if key in ("left", "right"):
        place = shown.rows.index(shown.row) if shown.row else len(shown.rows)
        return _to_slide(focus, shown, place + (1 if key == "right" else -1))
    if key.isdecimal():
        places = [place for place, row in enumerate(shown.rows) if row.slide == int(key)]
        return _to_slide(focus, shown, *places) if places else focus
    if key in ("up", "down", "tab"):
        return _to_study(focus, shown, key)
    match key:
        case "home" | "n":
            return replace(focus, study=None, slide=None, held=None)
        case "enter":
            return replace(focus, opened=focus.opened | {shown.owner}) if shown.owner else focus
        case "r":
            return replace(focus, of_study=not focus.of_study)
        case "o":
            return replace(focus, outline=not focus.outline)
        case "i" | "g":
            kind = {"i": "prepared", "g": "saliency"}[key]
            return replace(focus, picture="preview" if focus.picture == kind else kind)
        case "h":
            return replace(focus, held=None if focus.held else view)
        case "p":
            return replace(focus, hidden=not focus.hidden)
        case "?":
            return replace(focus, help=True)
    return focus


def _to_slide(focus: Focus, shown: Shown, place: int) -> Focus:
    if not 0 <= place < len(shown.rows):
        return focus
    row = shown.rows[place]
    return replace(focus, slide=None if row == shown.default else row.key)


def _to_study(focus: Focus, shown: Shown, key: str) -> Focus:
    owners = shown.view.owners
    if not owners:
        return focus
    place = owners.index(shown.owner) if shown.owner in owners else 0
    if key == "tab":
        place = (place + 1) % len(owners)
    else:
        place = min(len(owners) - 1, max(0, place + (1 if key == "down" else -1)))
    return replace(focus, study=owners[place] if place else None, slide=None)
