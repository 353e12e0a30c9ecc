"""The help: every key, and every mark of a slide."""

from rich.text import Text

from edge.view.focus.keys import KEYS
from edge.view.screen.parts import LESION
from edge.view.screen.strip import DISPUTED, LEFT_OUT, REPLACED

MARKS = (
    ("▲ ▼ ◆", "at or above, below, on both sides of the threshold"),
    ("○ ✗ …", "not scored, failed, waits"),
    ("[3]", "shown"),
    ("L R", "side"),
    (f"{LESION}2", "lesion"),
    ("▼2/3", "vote"),
    (LEFT_OUT, "left out"),
    (DISPUTED, "disputed, still counted"),
    (REPLACED, "in place of an earlier result"),
)


def help_page() -> Text:
    page = Text()
    for key in KEYS:
        page.append(f" {key.shown:<8}", style="bold").append(f"{key.does}\n")
    for mark, meaning in MARKS:
        page.append(f" {mark}", style="bold").append(f" {meaning}  ")
    return page
