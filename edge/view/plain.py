"""Without a screen: plain lines for a screen reader or a log, or the agent's messages as JSON lines."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime

from edge.view.agent.feed import Feed
from edge.view.agent.messages import Row
from edge.view.agent.state import View
from edge.view.agent.studies import Figures, Lesion, Study
from edge.view.percentage import digits, percent, percent_range
from edge.view.screen.health import about, contact, disk_low
from edge.view.screen.identity import named
from edge.view.screen.moment import clock, date
from edge.view.screen.strip import of_row
from edge.view.screen.verdict import age, no_contact
from scanside import RESEARCH_USE

_FIRST_CONTACT_S = 2.0


def json_lines(feed: Feed) -> Iterator[str]:
    """Each message of the agent as a line of ASCII, texts as they are but escaped as JSON has it.

    Two more events say when the agent is heard of again, and when it no longer is.
    """
    in_contact: bool | None = None
    for messages in feed.messages():
        if in_contact != (messages is not None):
            in_contact = messages is not None
            yield json.dumps({"event": "contact" if in_contact else "no contact"})
        for message in messages or ():
            yield json.dumps(message)


def plain_lines(views: Iterable[View], hidden: bool) -> Iterator[str]:
    """A line for each result, each study whose state or risk changes, a disk with little room, results that
    are late, and why nothing is current."""
    yield RESEARCH_USE
    told: dict[object, object] = {}
    before: tuple[str, str] | None = ("", "")
    low = late = False
    began = time.monotonic()
    for view in views:
        now = datetime.now().astimezone()
        if view.heard_at is None and time.monotonic() - began < _FIRST_CONTACT_S:
            continue  # no agent has had the time to answer
        if (stop := no_contact(view, now)) != before:
            before = stop
            yield ". ".join(stop).rstrip(".") + "." if stop else _well(view, now)
        if view.agent and view.in_contact and disk_low(view.agent) and not low:
            yield f"{_sentence(disk_low(view.agent))}."
        low = bool(view.agent and disk_low(view.agent))
        if view.agent and view.in_contact and view.agent.late and not late:
            yield f"{_sentence(view.agent.late)}."
        late = bool(view.agent and view.agent.late)
        remarks = view.agent.remarks if view.agent and view.in_contact else ()
        yield from (f"{_sentence(remark).rstrip('.')}." for remark in remarks if remark not in told)
        told.update(dict.fromkeys(remarks, True))
        if not view.model or not view.in_contact:
            continue
        for row in view.rows:
            marks = (row.disputed, row.left_out, row.left_out_reason, row.side, row.lesion)
            said = (row.assessed_at, row.risks, marks)
            if not row.pending and told.get(row.key) != said:
                told[row.key] = said
                yield _slide(view, row, hidden, now)
        for study in view.studies or ():
            figures = (study.state, study.figures, study.sides, study.lesions)
            if any(row.of_another_day for row in view.rows_of(study.key)):
                continue
            model = view.model_of(study.digest)
            if model and study.figures_by(model) and told.get(study.key) != figures:
                told[study.key] = figures
                yield _study(view, study, hidden, now)


def _well(view: View, now: datetime) -> str:
    """That something is current again: the model, and how the agent is."""
    agent = view.agent
    assert agent is not None
    parts = [about(view.model).plain.replace(" · ", ". "), f"Disk {agent.disk}" * bool(agent.disk)]
    return ". ".join(filter(None, [*parts, _sentence(contact(agent, now))]))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _slide(view: View, row: Row, hidden: bool, now: datetime) -> str:
    study, model = view.study(row.owner), view.model_of(row.digest)
    assert model is not None
    number = next(slide.slide for slide in view.rows_of(row.owner) if slide.key == row.key)
    parts = [
        clock(row.received_at, now),
        named(view, row.owner, hidden, row.key),
        f"from {row.scanner}" * bool(row.scanner),
        f"slide {number}" + f", frame {row.frame}" * (row.frame > 1),
        of_row(row, model).word,
    ]
    if row.of_another_day and row.examined_at:
        return ". ".join(
            [*filter(None, parts[:4]), f"exam of {date(row.examined_at)}, its risk is in: edge results"]
        )
    if row.risks:
        parts += [f"risk {percent_range(row.risks, model.threshold)}", study.state if study else ""]
        parts += [age(row.received_at, now), f"model {row.model} {row.digest[:12]}"]
    parts += [row.reason.rstrip("."), *row.flags]
    why = f": {row.left_out_reason}" * bool(row.left_out_reason)
    parts += [f"left out{why}" * row.left_out, f"disputed: {row.disputed}" * bool(row.disputed)]
    parts += [f"side {row.side}" * bool(row.side), f"lesion {row.lesion}" * bool(row.lesion)]
    parts += [f"{row.latency_ms:.0f} ms" if row.latency_ms else ""]
    return ". ".join(part for part in parts if part)


def _study(view: View, study: Study, hidden: bool, now: datetime) -> str:
    figures, model = study.figures, view.model_of(study.digest)
    assert figures is not None and model is not None
    rows = view.rows_of(study.key)
    parts = [
        f"Study of {named(view, study.key, hidden)}",
        study.state + f": {study.why}" * bool(study.why),
        _told(figures, model.threshold),
        *(f"{side} side: {_told(told, model.threshold)}" for side, told in study.sides.items()),
        *(_lesion(number, lesion, model.threshold) for number, lesion in study.lesions.items()),
        age(max(row.received_at for row in rows), now) if rows else "",
        f"model {model.name} {model.digest[:12]}",
    ]
    return ". ".join(part for part in parts if part)


def _lesion(number: int, lesion: Lesion, threshold: float) -> str:
    if lesion.figures is None:
        return f"lesion {number}: slides on both sides, not put together"
    where = "".join(f", {side} side" for side in lesion.sides)
    return f"lesion {number}{where}: {_told(lesion.figures, threshold)}"


def _told(figures: Figures, threshold: float) -> str:
    vote = {True: "above the threshold", False: "below the threshold", None: "tied"}[figures.vote]
    highest = percent(figures.highest, digits(figures.highest, threshold))
    mean = percent(figures.mean, digits(figures.mean, threshold))
    return (
        f"highest of {figures.slides} slide{'s' * (figures.slides != 1)} {highest}, "
        + ("above the threshold" if figures.highest >= threshold else "below the threshold")
        + f". vote {vote}, mean {mean}, agreement {percent(figures.agreement)}"
        + ". discordant" * figures.discordant
    )
