"""The values in the agent's messages (docs/watch-protocol.md).

Every text is made harmless here, at the border; behind it nothing needs to think of escapes.
The one exception are keys (of a study, of a slide): as the agent said them, to name things to it, never
drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.monitor.disk import in_words, warn_of_disk
from edge.monitor.lateness import late_warning
from edge.protocol.agent import AgentState, ModelInfo
from edge.protocol.row import Preview, ShownRow
from edge.view.text import person, safe
from scanside.flags import Flag

Message = Mapping[str, Any]
_OLD, _AHEAD = timedelta(hours=12), timedelta(days=1)  # an exam may last past midnight; clocks differ
StudyKey = tuple[str, str]  # Study Instance UID, patient ID
SlideKey = tuple[str, int]  # SOP Instance UID, frame


@dataclass(frozen=True)
class Row:
    """One frame and what became of it; the keys of docs/results-json.md, times as local time.

    Attributes:
        instance, study, patient: keys, never to be drawn; `study` is empty until the header was read.
        threshold: of the model that scored it; None when it has no risk.
        above_threshold: whether the risk is at or above it; None when it has no single risk.
        digest, model: of the model that scored it; empty when none did.
        image: digest of the image that it speaks of; a key, too.
        side: "left", "right" or empty.
        lesion: its number; None where nobody assigned one.
        left_out_reason, disputed: the reason, or empty.
        superseded: whether this risk came in another's place.
        slide: its number in the study; 0 where the agent says none.
        scanner: the name of the one that sent it; empty where the settings know none.
        examined_at: when the image was made, or its study began, whichever is later, by the machine's own
            clock taken for local time; without a time of day the end of that day; None where the header does
            not say.
    """

    instance: str
    study: str
    patient: str
    frame: int
    state: str
    risk: float | None
    risk_if: Mapping[str, float]
    reason: str
    class_probabilities: Mapping[str, float]
    flags: tuple[str, ...]
    patient_name: str
    patient_id: str
    received_at: datetime
    assessed_at: datetime | None
    latency_ms: float | None
    preview: Preview | None
    threshold: float | None = None
    above_threshold: bool | None = None
    digest: str = ""
    model: str = ""
    image: str = ""
    side: str = ""
    lesion: int | None = None
    left_out: bool = False
    left_out_reason: str = ""
    disputed: str = ""
    superseded: bool = False
    slide: int = 0
    scanner: str = ""
    examined_at: datetime | None = None

    @property
    def came(self) -> tuple[datetime, SlideKey]:
        """What orders the rows by their reception."""
        return self.received_at, self.key

    @property
    def key(self) -> SlideKey:
        return self.instance, self.frame

    @property
    def owner(self) -> StudyKey:
        """The study of a patient that it belongs to: two patients who share a UID are two."""
        return self.study, self.patient

    @property
    def of_another_day(self) -> bool:
        """Whether it was made well before it was received, or after: it is not of the patient who is here."""
        made = self.examined_at
        return made is not None and not -_AHEAD < self.received_at - made < _OLD

    @property
    def pending(self) -> bool:
        return self.state == "pending"

    @property
    def risks(self) -> tuple[float, ...]:
        """The risk; the risk under each value of the unknown facts; or nothing when not scored."""
        if self.state != "scored":
            return ()
        return tuple(self.risk_if.values()) if self.risk is None else (self.risk,)


@dataclass(frozen=True)
class Agent:
    """How the agent is; latencies in milliseconds, None before the first result.

    Attributes:
        precision: that the network computes in, where it is not its own; else empty.
        fallback: what the network runs in where the settings prefer another runtime; else empty.
        fallback_why: the reasons.
        last_contact_at: when a sender was last heard of; None before, and from an agent that does not say.
        disk: how much room there is; empty likewise.
        disk_low: what to know where there is little; else empty.
        late: how late results are, where one is late; else empty.
        remarks: what people should see beside the state, a sentence each.
        scanners: their names, and when each was last seen.
    """

    state: str
    address: str
    port: int
    queue: int
    received: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    last_received_at: datetime | None
    precision: str
    fallback: str
    fallback_why: str
    last_contact_at: datetime | None = None
    disk: str = ""
    disk_low: str = ""
    late: str = ""
    remarks: tuple[str, ...] = ()
    scanners: tuple[tuple[str, datetime | None], ...] = ()


@dataclass(frozen=True)
class Model:
    """Which model gives the risks; `threshold` is the risk from which a slide counts as above."""

    name: str
    digest: str
    trained_on: str
    threshold: float
    threshold_note: str
    test_only: bool


def read_row(row: ShownRow) -> Row:
    """Make a row of the agent's harmless, its times local."""
    return Row(
        instance=row.sop_instance_uid,
        study=row.study_instance_uid or "",
        patient=row.patient_id,
        frame=row.frame,
        state=safe(row.state),
        risk=row.risk,
        risk_if={safe(label): risk for label, risk in row.risk_if.items()},
        reason=safe(row.reason or ""),
        class_probabilities={safe(name): share for name, share in row.class_probabilities.items()},
        flags=tuple(safe(flag) for flag in [*_flags(row), *_side_by_side(row)]),
        patient_name=person(row.patient_name),
        patient_id=safe(row.patient_id),
        received_at=_local(row.received_at or ""),
        assessed_at=_local_or_none(row.assessed_at),
        latency_ms=row.latency_ms,
        preview=row.preview,
        threshold=row.threshold,
        above_threshold=row.above_threshold,
        digest=safe(row.bundle_digest or ""),
        model=safe(row.model or ""),
        image=row.image_digest or "",
        side=safe(row.side or ""),
        lesion=row.lesion,
        left_out=row.left_out,
        left_out_reason=safe(row.left_out_reason or ""),
        disputed=safe(row.disputed or ""),
        superseded=row.superseded,
        slide=row.slide or 0,
        scanner=safe(row.scanner or ""),
        examined_at=_examined_at(row),
    )


def _examined_at(row: ShownRow) -> datetime | None:
    moments = [f"{row.study_date}T{row.study_time or '23:59:59'}"] * bool(row.study_date)
    moments += [row.acquired_at] if row.acquired_at else []
    return max((datetime.fromisoformat(moment).astimezone() for moment in moments), default=None)


def _flags(row: ShownRow) -> list[str]:
    """The row's; of removed annotations also how much, and how the picture marks them."""
    more = f": {100 * float(row.annotations['share']):.1f} %, dotted" if row.annotations else ""
    return [flag + more * (flag == Flag.ANNOTATIONS.value) for flag in row.flags]


def _side_by_side(row: ShownRow) -> list[str]:
    """What to know when a frame holds several scans: the row speaks of the one with the highest risk."""
    several = [f"highest of {row.scans} scans in this frame"] if row.scans > 1 else []
    return several + [f"another scan of this frame: {reason}" for reason in row.skipped]


def read_agent(agent: AgentState) -> Agent:
    """Say how the agent is, in words where people read it."""
    return Agent(
        state=safe(agent.state),
        address=safe(f"{agent.ae_title} at {agent.host}:{agent.port}"),
        port=agent.port,
        queue=agent.queue,
        received=agent.received,
        latency_p50_ms=agent.latency_p50_ms,
        latency_p95_ms=agent.latency_p95_ms,
        last_received_at=_local_or_none(agent.last_received_at),
        precision="" if agent.precision in (None, "float32") else safe(agent.precision),
        fallback=safe(agent.runtime or "") if agent.runtime_note else "",
        fallback_why=safe(agent.runtime_note or ""),
        last_contact_at=_local_or_none(agent.last_contact_at),
        disk=in_words(agent.disk_free_mb),
        disk_low=warn_of_disk(agent),
        late=late_warning(agent),
        remarks=tuple(safe(remark) for remark in agent.remarks),
        scanners=tuple((safe(one.name), _local_or_none(one.last_seen_at)) for one in agent.scanners),
    )


def read_model(model: ModelInfo) -> Model:
    """Make what the agent says of a model harmless."""
    return Model(
        name=safe(f"{model.name} {model.version}"),
        digest=safe(model.digest),
        trained_on=safe(model.trained_on),
        threshold=model.threshold,
        threshold_note=safe(model.threshold_note or ""),
        test_only=model.test_only,
    )


def _local_or_none(time: str | None) -> datetime | None:
    return None if time is None else _local(time)


def _local(time: str) -> datetime:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone()  # Python 3.10 knows no Z
