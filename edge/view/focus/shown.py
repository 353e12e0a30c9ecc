"""What of all that the agent said is on the screen: one slide of one study."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from edge.view.agent.messages import Model, Row, SlideKey, StudyKey
from edge.view.agent.state import MAX_ROWS, Sent, View
from edge.view.agent.studies import Figures, Study, study_of_rows


@dataclass(frozen=True)
class Shown:
    """One slide of one study, and where they stand among the others.

    Attributes:
        view: what the screen is made of; as it was when the screen was held, but for contact and agent.
        rows: the study's slides by their numbers; of many slides the newest.
        row: the slide shown; None while the study has no result.
        default: the newest of them with a result.
        opened: whether a person opened the study, if it is of another day.
        held: whether the screen is held.
        since: how many results came since it was held.
        superseded: whether the screen is held and the agent says otherwise of this slide by now.
        study_superseded: likewise of the study.
    """

    view: View
    owner: StudyKey | None
    study: Study | None
    rows: tuple[Row, ...]
    row: Row | None
    default: Row | None
    opened: bool = False
    held: bool = False
    since: int = 0
    superseded: bool = False
    study_superseded: bool = False

    @property
    def slide(self) -> tuple[StudyKey | None, SlideKey | None]:
        """Which study and slide this is."""
        return self.owner, self.row.key if self.row else None

    @property
    def figures(self) -> Figures | None:
        """The study's, where a model that is in use gave them."""
        model = self.view.model_of(self.study.digest) if self.study else None
        return self.study.figures_by(model) if self.study and model else None

    @property
    def model(self) -> Model | None:
        """The model in use that scored the slide shown, else the study; else that of new studies."""
        return self.view.model_of((self.row and self.row.digest) or (self.study.digest if self.study else ""))

    @property
    def exam_of_another_day(self) -> datetime | None:
        """When the study was examined, where that was another day and nobody has opened it."""
        last = self.rows[-1] if self.rows else None
        shown = self.row or last
        return shown.examined_at if shown and shown.of_another_day and not self.opened else None

    @property
    def number(self) -> int:
        """Of the slide shown, from 1; 0 when there is none."""
        return self.row.slide if self.row else 0

    @property
    def count(self) -> int:
        """How many slides the study has, or the number of the last one where some are gone."""
        return max([self.study.slides if self.study else 0, *(row.slide for row in self.rows)])

    @property
    def unseen(self) -> int:
        """How many slides of the study are older than all that the agent tells a view."""
        if self.study is None or len(self.view.rows) < MAX_ROWS:
            return 0
        return max(0, self.study.slides - len(self.rows))

    def number_of(self, slide: SlideKey | None) -> int:
        """The number of a slide; of one with the highest risk also where the view knows no more of it."""
        numbers = [row.slide for row in self.rows if row.key == slide]
        told = self.study.all_figures if self.study else ()
        return next(iter([*numbers, *(one.highest_number for one in told if one.highest_slide == slide)]), 0)

    @property
    def lesions(self) -> dict[int, tuple[str, ...]]:
        """The lesions to which slides of the study were assigned, and the sides on which these lie."""
        sides: dict[int, set[str]] = {
            number: set(lesion.sides) for number, lesion in (self.study.lesions if self.study else {}).items()
        }
        for row in self.rows:
            if row.lesion:
                sides.setdefault(row.lesion, set()).update([row.side] * bool(row.side))
        return {number: tuple(sorted(sides[number])) for number in sorted(sides)}

    @property
    def newest_study(self) -> bool:
        return self.owner in self.view.owners[:1]

    @property
    def newer_waiting(self) -> int:
        """How many frames received after the newest with a result still wait; of any study."""
        current = self.default
        return sum(
            row.pending and (not current or row.received_at > current.received_at) for row in self.view.rows
        )

    @property
    def newer_slides(self) -> int:
        """How many slides of the study came after the one shown and have a result."""
        shown = self.row
        return sum(not row.pending and row.came > shown.came for row in self.rows) if shown else 0


def look(
    live: View,
    owner: StudyKey | None,
    slide: SlideKey | None,
    held: View | None = None,
    opened: Collection[StudyKey] = (),
) -> Shown:
    """The slide `slide` of the study `owner`; of either the newest when it is None or no longer there.

    The newest slide is never one of another study: after a new patient's first image the old risk is gone.

    Args:
        opened: studies of another day that a person opened.
    """
    view = live
    if held is not None:
        view = replace(
            held,
            in_contact=live.in_contact,
            heard_at=live.heard_at,
            agent=live.agent,
            pictures=_same(held, live),
        )
    owners = view.owners
    owner = owner if owner in owners else next(iter(owners), None)
    rows = view.rows_of(owner)
    default = max((row for row in rows if not row.pending), key=lambda row: row.came, default=None)
    row = next((row for row in rows if row.key == slide), default)
    shown = Shown(view, owner, _study(view, owner, rows), rows, row, default, opened=owner in opened)
    if held is None:
        return shown
    known = {(row.key, row.assessed_at) for row in held.rows}
    return replace(
        shown,
        held=True,
        since=sum(not new.pending and (new.key, new.assessed_at) not in known for new in live.rows),
        superseded=row is not None and row not in live.rows_of(owner),
        study_superseded=shown.study != _study(live, owner, live.rows_of(owner)),
    )


def _same(held: View, live: View) -> tuple[Sent, ...]:
    """The pictures of slides that are what they were: another image may have come under a held one's UID."""
    images = {row.key: (row.image, row.assessed_at) for row in live.rows}
    same = {row.key for row in held.rows if images.get(row.key) == (row.image, row.assessed_at)}
    return tuple(sent for sent in live.pictures if sent.slide in same)


def _study(view: View, owner: StudyKey | None, rows: tuple[Row, ...]) -> Study | None:
    if owner is None or view.model is None or not owner[0]:
        return None
    if view.studies is None:
        return study_of_rows(owner, rows, view.model)
    return view.study(owner)
