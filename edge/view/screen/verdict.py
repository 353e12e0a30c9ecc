"""What a row says in a word, always with a sign beside the colour."""

from datetime import datetime
from typing import NamedTuple

from edge.view.agent.messages import Row
from edge.view.agent.state import View
from edge.view.focus.shown import Shown
from edge.view.percentage import percent_beside
from edge.view.screen.moment import clock, date
from edge.view.screen.style import ABOVE, BELOW, MIXED, NOTICE, QUIET


class Verdict(NamedTuple):
    sign: str
    word: str
    style: str

    def __str__(self) -> str:
        return f"{self.sign} {self.word}"


def side(risks: tuple[float, ...], threshold: float) -> Verdict:
    """Above or below the bundle's threshold; neither when the risks lie on both sides. No verdict."""
    above = [risk >= threshold for risk in risks]
    if all(above):
        return Verdict("▲", "above the threshold", ABOVE)
    return Verdict("◆", "depends", MIXED) if any(above) else Verdict("▼", "below the threshold", BELOW)


def verdict(row: Row, threshold: float) -> Verdict:
    """The side on which a scored row lies; for any other what became of it."""
    if row.risks:
        return side(row.risks, threshold)
    if row.pending:
        return Verdict("…", "waiting", QUIET)
    return Verdict("○", "not scored", NOTICE) if row.state == "not_scored" else Verdict("✗", "failed", NOTICE)


def sentence(found: Verdict, threshold: str) -> str:
    """The side on which a scored row lies, as a sentence that names the threshold."""
    if found.sign == "◆":
        return f"{found}: both sides of threshold {threshold}"
    return f"{found} of {threshold}"


def no_contact(view: View, now: datetime | None = None) -> tuple[str, str] | None:
    """Why nothing at all is current: a headline and what to know or do; None if something may be."""
    if not view.in_contact:
        if view.heard_at is None:
            return "NO CONTACT", "No contact with an agent yet. Start one with: edge serve"
        return "NO CONTACT", f"No contact with the agent since {clock(view.heard_at, now or view.heard_at)}."
    if view.agent is None or view.model is None or view.agent.state == "starting":
        return "STARTING", "The agent loads and checks its model."
    if view.agent.state != "ready":
        receives = not view.agent.state.startswith("not receiving")
        return "NOT SCORING" if receives else "NOT RECEIVING", view.agent.state
    return None


def obstacle(shown: Shown, now: datetime, of_study: bool = False) -> tuple[str, str] | None:
    """Why no risk may be shown as that of the slide or of the study; None if one may."""
    view, row = shown.view, shown.row
    if (stop := no_contact(view, now)) or view.agent is None or view.model is None:
        return stop
    if row is None:
        if shown.owner is None:
            return "NO SCAN YET", f"Send an image to {view.agent.address}."
        return "BEING ASSESSED", "The result of this study's first image is not there yet."
    examined = shown.exam_of_another_day
    if examined and (of_study or row.risks):
        return f"EXAM OF {date(examined)}", "It is not of today. Enter shows its risk."
    if of_study:
        if shown.figures:
            return None
        if shown.study and shown.study.figures:
            return (
                "OTHER MODEL",
                f"The study's slides were scored by another model, {shown.study.digest[:12]}.",
            )
        return "NO STUDY RISK", (shown.study and shown.study.why) or "No slide of it counts."
    if row.pending:
        return "BEING ASSESSED", "The result of this slide is not there yet."
    if not row.risks:
        return verdict(row, view.model.threshold).word.upper(), row.reason
    if shown.model is None or row.digest != shown.model.digest:
        return "OTHER MODEL", f"Scored by {by_other(row)}."
    return None


def by_other(row: Row) -> str:
    """What another model than the present one said: its risk by its own threshold."""
    risks = " to ".join(
        percent_beside(risk, row.threshold) for risk in sorted({min(row.risks), max(row.risks)})
    )
    called = {True: ", above its threshold", False: ", below its threshold", None: ""}
    return f"{row.model} {row.digest[:12]}: {risks}{called[row.above_threshold]}"


def age(then: datetime, now: datetime) -> str:
    """How long ago, in whole minutes, hours or days; never "just now" for what lies in the future."""
    minutes = int((now - then).total_seconds() // 60)
    if minutes < -1:
        return "age unknown: the clock was set back"
    if minutes < 1:
        return "<1 min ago"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2880 else f"{minutes // 1440} days ago"
