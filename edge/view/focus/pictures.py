"""Which picture of the slide is on the screen, and which of them has to be asked for."""

from edge.protocol.row import Preview
from edge.view.agent.feed import Wanted
from edge.view.focus.focus import Focus
from edge.view.focus.shown import Shown
from edge.view.screen.verdict import no_contact

_TITLES = {"preview": "picture", "prepared": "what the network saw", "saliency": "saliency"}


def wanted(shown: Shown, focus: Focus) -> Wanted | None:
    """The picture to ask the agent for; None when it is there, or can't be had."""
    view, row, kind = shown.view, shown.row, _kind(focus)
    if not view.in_contact or view.studies is None or row is None or row.pending:
        return None
    known = (row.preview if kind == "preview" else None) or view.picture(row.key, kind)
    return None if known else Wanted(row.key, kind, row.image)


def picture(shown: Shown, focus: Focus) -> tuple[Preview | None, str]:
    """The picture and its title; without one the reason. Empty without contact, and before there is a slide.

    A frame may have its patient's name burned in. When nobody may be named, the scan that was cut out of it
    for the network stands in its place.
    """
    row, kind = shown.row, _kind(focus)
    if row is None or no_contact(shown.view):
        return None, ""
    if kind == "preview" and row.preview:
        return row.preview, ""
    sent = shown.view.picture(row.key, kind)
    if sent and sent.preview:
        return sent.preview, "" if kind == "preview" else _TITLES[kind].capitalize()  # as if the row had it
    if sent:  # why a slide was not scored stands in the risk's place
        return None, sent.reason if sent.reason != row.reason else "no picture of this scan"
    hidden = "The frame is hidden: it may name the patient. " * (kind != focus.picture)
    waits = shown.view.studies is not None and not row.pending
    return None, hidden + (f"{_TITLES[kind]}: not here yet" if waits else "no picture of this scan")


def _kind(focus: Focus) -> str:
    return "prepared" if focus.hidden and focus.picture == "preview" else focus.picture
