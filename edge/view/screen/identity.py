"""Who is on the screen, unless nobody may be named."""

from edge.view.agent.messages import StudyKey
from edge.view.agent.state import View

HIDDEN = "identity hidden"


def who(view: View, owner: StudyKey | None, hidden: bool) -> tuple[str, str]:
    """Name and ID of a study's patient; when hidden, only when the study began."""
    rows = view.rows_of(owner)
    if not rows:
        return "", ""
    if hidden:
        return HIDDEN, f"study of {rows[0].received_at:%H:%M:%S}"
    return rows[-1].patient_name or "no name", rows[-1].patient_id or "no ID"


def named(view: View, owner: StudyKey | None, hidden: bool) -> str:
    """The same as one text."""
    return ", ".join(part for part in who(view, owner, hidden) if part)
