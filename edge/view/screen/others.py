"""The studies that there are, a line each, newest first."""

from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from edge.view.focus.shown import Shown
from edge.view.percentage import digits, percent
from edge.view.screen.identity import who
from edge.view.screen.moment import clock, date
from edge.view.screen.style import NOTICE, QUIET
from edge.view.screen.verdict import side

_NAME_WIDTH = 40


def others(shown: Shown, hidden: bool, most: int, now: datetime) -> Iterator[Text]:
    """A heading and at most `most` studies, that on the screen among them; none without contact."""
    view = shown.view
    if not view.in_contact or view.model is None or most < 1:
        return
    owners = view.owners
    place = owners.index(shown.owner) if shown.owner in owners else 0
    first = max(0, place - most + 1)
    yield Text(" Studies, newest first", style=QUIET)
    for owner in owners[first : first + most]:
        rows = view.rows_of(owner)
        name = Text(", ".join(who(view, owner, hidden)))
        name.truncate(_NAME_WIDTH, overflow="ellipsis", pad=True)
        line = Text.assemble(
            " ▸ " if owner == shown.owner else "   ", f"{clock(rows[0].received_at, now)}  ", name
        )
        study = view.study(owner)
        count = max(len(rows), study.slides if study else 0)
        line.append(f"  {count} slide{'s' * (count != 1)}")
        examined = rows[-1].examined_at if rows[-1].of_another_day else None
        if examined:
            line.append(f"   exam of {date(examined)}", style=NOTICE)
        model = view.model_of(study.digest) if study else None
        if not examined and study and model and (figures := study.figures_by(model)):
            highest, threshold = figures.highest, model.threshold
            top = side((highest,), threshold)
            line.append(
                f"   highest {percent(highest, digits(highest, threshold))} {top.sign}", style=top.style
            )
            line.append("   ◆ DISCORDANT" * figures.discordant)
        if study:
            line.append(f"   {study.state}")
        yield line
