"""The last lines: what is being entered, what became of entries, or the most used keys."""

from rich.text import Text

from edge.view.agent.state import View
from edge.view.focus.entry import Entry
from edge.view.focus.focus import NOTICES, Focus, Notice
from edge.view.screen.identity import named
from edge.view.screen.style import NOTICE, QUIET
from edge.view.text import safe

_KEYS = " ? help  ← → 1-9 slide  ↑ ↓ study  n newest  m menopause  l lesion  d dispute"
_TYPED, _NAMED = 40, 32  # columns of a text that is being typed, of a patient's name and ID


def footer(view: View, focus: Focus) -> list[Text]:
    """An entry, else the newest notices, else the keys."""
    if focus.entry:
        return _entry(view, focus.entry, focus.hidden)
    notices = [_notice(view, notice, focus.hidden) for notice in focus.notices[-NOTICES:]]
    return notices or [Text(_KEYS, style=QUIET)]


def _entry(view: View, entry: Entry, hidden: bool) -> list[Text]:
    slide = f" of slide {entry.number}" if entry.number else ""
    title = f" {entry.title.upper()}{slide} · {_short(named(view, entry.study, hidden, entry.slide))} "
    last = entry.first + len(entry.choices) - 1
    keys = "type a reason · Enter · Esc" if entry.typing else f"{entry.first}-{last}, Enter · Esc: nothing"
    choices = Text(" ")
    for number, choice in enumerate(entry.choices, entry.first):
        label = f"{number} {choice.offered or choice.label}"
        if entry.choice is choice:
            typed = f": {safe(entry.text)[-_TYPED:]}_" if entry.typing else ""
            choices.append(f"[{label}{typed}]", style="bold reverse").append(" ")
        elif not entry.typing:  # on a narrow screen, too, one sees what one types
            choices.append(f" {label}  ")
    return [Text.assemble((title, f"{NOTICE} reverse"), f" {keys}"), choices]


def _notice(view: View, notice: Notice, hidden: bool) -> Text:
    """Of whom it speaks stands first: another patient may be on the screen, and the line's end be cut off."""
    text = f"{_short(named(view, notice.study, hidden))}: " * bool(notice.study) + safe(notice.text)
    if notice.kind == "waits":
        return Text(f" Not yet answered by the agent: {text}", style=NOTICE)
    if notice.kind == "failed":
        return Text.assemble(" Esc ", (f" {text}", f"{NOTICE} reverse"))
    return Text(f" {text}", style=NOTICE)


def _short(name: str) -> str:
    shortened = Text(name)
    shortened.truncate(_NAMED, overflow="ellipsis")
    return shortened.plain
