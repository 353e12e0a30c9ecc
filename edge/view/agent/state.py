"""What the agent has said so far, as one value: the live view is a function of a `View` and a `Focus`."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from edge.protocol.agent import AgentState, ModelInfo
from edge.protocol.json import from_builtins
from edge.protocol.picture import PictureAnswer
from edge.protocol.row import Preview, ShownRow
from edge.protocol.study import StudyState
from edge.view.agent.messages import (
    Agent,
    Message,
    Model,
    Row,
    SlideKey,
    StudyKey,
    read_agent,
    read_model,
    read_row,
)
from edge.view.agent.studies import Study, read_study
from edge.view.text import safe
from scanside.errors import ScansideError

MAX_ROWS = 200  # as many as the agent's snapshot holds
_MAX_STUDIES = 200
_MAX_PICTURES = 24


@dataclass(frozen=True)
class Sent:
    """A picture that the view asked for; `reason` says why there is none.

    Attributes:
        image: digest of the image that it shows; empty where the agent does not say.
    """

    slide: SlideKey
    kind: str
    preview: Preview | None
    reason: str
    image: str = ""


@dataclass(frozen=True)
class View:
    """All that the live view shows.

    Attributes:
        model: that of new studies.
        open_models: those of studies that began under another and are open.
        rows: by the time of reception, oldest first.
        studies: what the agent said of studies; None from an agent that says nothing of them.
        pictures: those asked for, the newest last.
        in_contact: whether the agent was heard of within the last seconds.
        heard_at: when it was last heard of; no part of equality, it changes with every heartbeat.
    """

    agent: Agent | None = None
    model: Model | None = None
    open_models: tuple[Model, ...] = ()
    rows: tuple[Row, ...] = ()
    studies: tuple[Study, ...] | None = None
    pictures: tuple[Sent, ...] = ()
    in_contact: bool = False
    heard_at: datetime | None = field(default=None, compare=False)

    def model_of(self, digest: str) -> Model | None:
        """The model in use of this digest; where there is none, that of new studies."""
        return next((model for model in self.open_models if model.digest == digest), self.model)

    @property
    def newest(self) -> Row | None:
        """The last frame received of which the study is known, or that never will be."""
        return next((row for row in reversed(self.rows) if row.study or not row.pending), None)

    @property
    def owners(self) -> tuple[StudyKey, ...]:
        """The studies that there are, that of the newest frame first; those of another day come last."""
        known = [row for row in reversed(self.rows) if row.study or not row.pending]
        ordered = sorted(known, key=lambda row: row.of_another_day)
        return tuple(dict.fromkeys(row.owner for row in ordered))

    def rows_of(self, owner: StudyKey | None) -> tuple[Row, ...]:
        """The slides of a study by their numbers; where the agent says none, as they were received."""
        rows = sorted((row for row in self.rows if row.owner == owner), key=lambda row: row.slide)
        return tuple(row if row.slide else replace(row, slide=at) for at, row in enumerate(rows, 1))

    def study(self, owner: StudyKey | None) -> Study | None:
        return next((study for study in self.studies or () if study.key == owner), None)

    def picture(self, slide: SlideKey, kind: str) -> Sent | None:
        """The picture of the image that the slide shows by now: another may have come under its UID."""
        images = {"", *(row.image for row in self.rows if row.key == slide)}
        found = (sent for sent in self.pictures if (sent.slide, sent.kind) == (slide, kind))
        return next((sent for sent in found if sent.image in images), None)

    def lost(self) -> "View":
        """The same without contact: what is known stays, but is no longer current."""
        return replace(self, in_contact=False)

    def heard(self, message: Message, now: datetime) -> "View":
        """The view after one message of docs/watch-protocol.md.

        Raises:
            ScansideError: the message lacks what the protocol promises.
        """
        try:
            changes = {"in_contact": True, "heard_at": now, **self._changes(message)}
            return replace(self, **changes)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ScansideError(
                f"the agent's message can't be read ({type(error).__name__}: {safe(str(error))}). "
                "Run the agent and the view from the same version of scanside."
            ) from error

    def _changes(self, message: Message) -> dict[str, Any]:
        match message["event"]:
            case "snapshot":
                rows = _sorted(map(self._with_preview, map(_row, message["rows"])))
                studies = message.get("studies")
                return {
                    "agent": read_agent(from_builtins(message["agent"], AgentState)),
                    "model": _model(message["model"]),
                    "open_models": tuple(map(_model, message.get("open_models") or ())),
                    "rows": rows,
                    "studies": None if studies is None else tuple(map(_study, studies)),
                    "pictures": tuple(sent for sent in self.pictures if self._still(sent, rows)),
                }
            case "heartbeat":
                return {"agent": read_agent(from_builtins(message["agent"], AgentState))}
            case "row":
                row = self._with_preview(_row(message["row"]))
                rows = _sorted([*(known for known in self.rows if known.key != row.key), row])
                return {
                    "rows": rows,
                    "pictures": tuple(sent for sent in self.pictures if self._still(sent, rows)),
                }
            case "study":
                study = _study(message["study"])
                rest = [known for known in self.studies or () if known.key != study.key]
                return {"studies": (*rest, study)[-_MAX_STUDIES:]}
            case "picture":
                sent = _sent(from_builtins(message, PictureAnswer))
                others = [old for old in self.pictures if (old.slide, old.kind) != (sent.slide, sent.kind)]
                return {"pictures": (*others, sent)[-_MAX_PICTURES:]}
        return {}

    def _assessed(self, slide: SlideKey) -> set[datetime | None]:
        return {row.assessed_at for row in self.rows if row.key == slide}

    def _still(self, sent: Sent, rows: Iterable[Row]) -> bool:
        """Whether a picture is still that of its slide: one assessed anew may have another."""
        return any(row.key == sent.slide and row.assessed_at in self._assessed(row.key) for row in rows)

    def _with_preview(self, row: Row) -> Row:
        """`row` with the picture that came with it earlier: not every message has it."""
        same = [
            known.preview
            for known in self.rows
            if known.key == row.key and known.assessed_at == row.assessed_at
        ]
        return row if row.preview or not same else replace(row, preview=same[0])


def _row(message: Message) -> Row:
    return read_row(from_builtins(message, ShownRow))


def _model(message: Message) -> Model:
    return read_model(from_builtins(message, ModelInfo))


def _study(message: Message) -> Study:
    return read_study(from_builtins(message, StudyState))


def _sent(answer: PictureAnswer) -> Sent:
    return Sent(
        slide=(answer.sop_instance_uid, answer.frame),
        kind=safe(answer.kind),
        preview=answer.picture,
        reason=safe(answer.reason or ""),
        image=answer.image_digest or "",
    )


def _sorted(rows: Iterable[Row]) -> tuple[Row, ...]:
    """By reception, which later results don't change."""
    return tuple(sorted(rows, key=lambda row: row.came))[-MAX_ROWS:]
