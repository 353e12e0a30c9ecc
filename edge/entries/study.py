"""A study of a patient as views and programs are told of it: the STUDY part of docs/watch-protocol.md."""

import json
from collections.abc import Iterator
from datetime import datetime, timezone

from edge.entries.entry import STATUS, Entry
from edge.protocol.study import FactState, LesionState, RiskFigures, StudyState
from edge.storage.entered import ASKED, CENTRE, FINAL_AFTER_S, UNKNOWN, StudyKept, asked_by
from scanside.assess.study import StudyFigures, StudyRisk, study_figures

PROVISIONAL, FINAL = "provisional", "final"
_VOTES = {True: "above", False: "below", None: "tie"}
_NAMES = {"menopausal_status": "menopausal status", "centre": "the centre", "ca125_u_ml": "CA125"}


def describe_study(kept: StudyKept, may_follow: bool) -> StudyState:
    """Say everything about a study.

    Args:
        may_follow: whether its last image came so recently that another may come.
    """
    figures = study_figures(kept.slides)
    why = "; ".join(_why(kept, figures, may_follow))
    return StudyState(
        study_instance_uid=kept.study,
        patient_id=kept.patient,
        state=PROVISIONAL if why else FINAL,
        why=why or None,
        facts=_facts(kept, figures.digest),
        risk=None if figures.whole is None else _risk(figures.whole, kept),
        sides={side.value: _risk(risk, kept) for side, risk in figures.sides.items()},
        lesions={
            str(number): LesionState(
                sides=tuple(side.value for side in lesion.sides),
                risk=None if lesion.risk is None else _risk(lesion.risk, kept),
            )
            for number, lesion in figures.lesions.items()
        },
        digest=figures.digest,
        threshold=figures.threshold,
        slides=kept.frames,
    )


def images_may_follow(kept: StudyKept) -> bool:
    """By the clock alone, for who did not see the images come."""
    age = datetime.now(timezone.utc) - datetime.fromisoformat(kept.last_received_at)
    return 0 <= age.total_seconds() < float(kept.site.get(FINAL_AFTER_S, 0))


def _why(kept: StudyKept, figures: StudyFigures, may_follow: bool) -> Iterator[str]:
    if kept.waiting:
        yield f"{kept.waiting} images wait" if kept.waiting > 1 else "1 image waits"
    if figures.several_models:
        yield "slides were scored by different models"
    for number, lesion in figures.lesions.items():
        if lesion.risk is None:
            yield f"lesion {number} has slides on both sides"
    for name in figures.unknown:
        yield f"{_NAMES.get(name, name)} is unknown"
    if may_follow:
        yield "images may follow"


def _facts(kept: StudyKept, digest: str | None) -> dict[str, FactState]:
    """The facts of a study, and whether the model that scored it, or would, asks for them."""
    asked = json.loads(kept.site.get(asked_by(digest or ""), kept.site.get(ASKED, "[]")))
    entry = kept.facts.get(STATUS)
    value = entry.value if entry else UNKNOWN
    source = f"entered by {_who(entry)} at {entry.at[:16].replace('T', ' ')} UTC" if entry else None
    status = FactState(str(value), None if value == UNKNOWN else source, used=STATUS in asked)
    if "oncology_centre" not in asked:
        return {STATUS: status}
    centre = kept.site.get(CENTRE, UNKNOWN)
    source = None if centre == UNKNOWN else "settings"
    return {STATUS: status, CENTRE: FactState(centre, source, used=True)}


def _who(entry: Entry) -> str:
    """Anybody may say any name; whose account it was, the system said."""
    own = entry.by == entry.account or not entry.account
    return entry.by if own else f"{entry.by} (account {entry.account})"


def _risk(risk: StudyRisk, kept: StudyKept) -> RiskFigures:
    return RiskFigures(
        highest=risk.highest,
        highest_slide=kept.where[risk.highest_at],
        highest_slide_number=kept.numbers[risk.highest_at],
        mean=risk.mean,
        vote=_VOTES[risk.vote],
        agreement=risk.agreement,
        above_threshold=risk.above_threshold,
        slides=risk.slides,
        discordant=risk.discordant,
        left_out=risk.left_out,
        disputed=risk.disputed,
        risk_if_unknown=risk.hangs_on_unknown,
    )
