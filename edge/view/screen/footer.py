"""The last lines: what is being entered, what became of entries, or the most used keys."""

from rich.text import Text

from edge.view.agent.state import View
from edge.view.focus.entry import Entry
from edge.view.focus.focus import NOTICES, Focus, Notice
from edge.view.screen.identity import named
from edge.view.screen.style import NOTICE, QUIET
from edge.view.text import safe

_KEYS = " ? help   ← → 1-9 slide   ↑ ↓ study   n newest   m menopausal status   d dispute"
_TYPED = 40  # columns of a text that is being typed


def footer(view: View, focus: Focus) -> list[Text]:
    """An entry, else the newest notices, else the keys."""
    if focus.entry:
        return _entry(view, focus.entry, focus.hidden)
    notices = [_notice(view, notice, focus.hidden) for notice in focus.notices[-NOTICES:]]
    return notices or [Text(_KEYS, style=QUIET)]


def _entry(view: View, entry: Entry, hidden: bool) -> list[Text]:
    slide = f" of slide {entry.number}" if entry.number else ""
    title = f" {entry.title.upper()}{slide} · {named(view, entry.study, hidden, entry.slide)} "
    keys = "type a reason · Enter · Esc" if entry.typing else f"1-{len(entry.choices)}, Enter · Esc: nothing"
    choices = Text(" ")
    for number, choice in enumerate(entry.choices, 1):
        label = f"{number} {choice.label}"
        if entry.choice is choice:
            typed = f": {safe(entry.text)[-_TYPED:]}_" if entry.typing else ""
            choices.append(f"[{label}{typed}]", style="bold reverse").append(" ")
        else:
            choices.append(f" {label}  ")
    return [Text.assemble((title, f"{NOTICE} reverse"), f" {keys}"), choices]


def _notice(view: View, notice: Notice, hidden: bool) -> Text:
    of_whom = f" ({named(view, notice.study, hidden)})" if notice.study else ""
    text = safe(notice.text)
    if notice.kind == "waits":
        return Text(f" Not yet answered by the agent: {text}{of_whom}", style=NOTICE)
    if notice.kind == "failed":
        return Text.assemble((f" {text}{of_whom}", f"{NOTICE} reverse"), "  Esc")
    return Text(f" {text}{of_whom}", style=NOTICE)
