"""What the agent has said so far, as one value: the live view is a function of a `View`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from edge.view.messages import Agent, Message, Model, Row, agent_of, model_of, row_of
from scanside.errors import ScansideError

MAX_ROWS = 200  # as many as the agent's snapshot holds


@dataclass(frozen=True)
class View:
    """All that the live view shows.

    Attributes:
        rows: by the time of reception, oldest first.
        in_contact: whether the agent was heard of within the last seconds.
        heard_at: when it was last heard of; no part of equality, it changes with every heartbeat.
    """

    agent: Agent | None = None
    model: Model | None = None
    rows: tuple[Row, ...] = ()
    in_contact: bool = False
    heard_at: datetime | None = field(default=None, compare=False)

    @property
    def newest(self) -> Row | None:
        """The last frame received of which the study is known, or that never will be."""
        return next((row for row in reversed(self.rows) if row.study or not row.pending), None)

    @property
    def study(self) -> tuple[Row, ...]:
        """Every row of the study that the newest belongs to; never of two patients who share its UID."""
        newest = self.newest
        return tuple(
            row
            for row in self.rows
            if newest and (row.study, row.patient_id) == (newest.study, newest.patient_id)
        )

    @property
    def current(self) -> Row | None:
        """The newest row of that study with a result; None while there is none.

        Never one of another study: after a new patient's first image the old risk is gone.
        """
        ended = [row for row in self.study if not row.pending]
        return ended[-1] if ended else None

    @property
    def newer_waiting(self) -> int:
        """How many frames received after the current one still wait."""
        current = self.current
        return sum(
            row.pending and (not current or row.received_at > current.received_at) for row in self.rows
        )

    def lost(self) -> "View":
        """The same without contact: what is known stays, but is no longer current."""
        return replace(self, in_contact=False)

    def heard(self, message: Message, now: datetime) -> "View":
        """The view after one message of docs/watch-protocol.md.

        Raises:
            ScansideError: the message lacks what the protocol promises.
        """
        try:
            changes: dict[str, Any] = {"in_contact": True, "heard_at": now}
            event = message["event"]
            if event in ("snapshot", "heartbeat"):
                changes["agent"] = agent_of(message["agent"])
            if event == "snapshot":
                changes["model"] = model_of(message["model"])
                changes["rows"] = _sorted(map(self._with_preview, map(row_of, message["rows"])))
            if event == "row":
                row = row_of(message["row"])
                changes["rows"] = _sorted([*(known for known in self.rows if known.key != row.key), row])
            return replace(self, **changes)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ScansideError(
                f"the agent's message can't be read ({type(error).__name__}: {error}). "
                "Run the agent and the view from the same version of scanside."
            ) from error

    def _with_preview(self, row: Row) -> Row:
        """`row` with the picture that came with it earlier: a snapshot has but one."""
        same = [
            known.preview
            for known in self.rows
            if known.key == row.key and known.assessed_at == row.assessed_at
        ]
        return row if row.preview or not same else replace(row, preview=same[0])


def _sorted(rows: Iterable[Row]) -> tuple[Row, ...]:
    def order(row: Row) -> tuple[datetime, datetime]:
        return row.received_at, row.assessed_at or row.received_at

    return tuple(sorted(rows, key=order))[-MAX_ROWS:]
