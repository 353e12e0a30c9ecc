"""Who is on the screen, unless nobody may be named."""

from collections.abc import Iterable

from edge.view.agent.messages import Row, SlideKey, StudyKey
from edge.view.agent.state import View
from edge.view.screen.moment import clock

HIDDEN = "identity hidden"


def who(view: View, owner: StudyKey | None, hidden: bool, slide: SlideKey | None = None) -> tuple[str, str]:
    """Name and ID of a study's patient; when hidden, only when the study began.

    Images without a patient ID, or with a wrong one, may bring several names into one study: then a slide has
    the name that came with it, and the study has all of them.
    """
    rows = view.rows_of(owner)
    if not rows:
        return "", ""
    if hidden:
        return HIDDEN, f"study of {clock(rows[0].received_at, view.heard_at or rows[0].received_at)}"
    own = next((row.patient_name for row in rows if row.key == slide), None)
    name = " or ".join(names(rows)) if own is None else own
    return name or "no name", rows[-1].patient_id or "no ID"


def named(view: View, owner: StudyKey | None, hidden: bool, slide: SlideKey | None = None) -> str:
    """The same as one text."""
    return ", ".join(part for part in who(view, owner, hidden, slide) if part)


def names(rows: Iterable[Row]) -> list[str]:
    """The patients' names that came with `rows`, the newest first."""
    return list(dict.fromkeys(row.patient_name for row in [*rows][::-1] if row.patient_name))
