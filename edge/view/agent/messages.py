"""The values in the agent's messages (docs/watch-protocol.md).

Every text is made harmless here, at the border; behind it nothing needs to think of escapes.
The one exception are keys (of a study, of a slide): as the agent said them, to name things to it, never
drawn.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from edge.monitor.disk import in_words, warning
from edge.monitor.lateness import late_warning
from edge.view.text import person, safe
from scanside.flags import Flag

Message = Mapping[str, Any]
Polygons = tuple[tuple[tuple[float, float], ...], ...]
_OLD, _AHEAD = timedelta(hours=12), timedelta(days=1)  # an exam may last past midnight; clocks differ
StudyKey = tuple[str, str]  # Study Instance UID, patient ID
SlideKey = tuple[str, int]  # SOP Instance UID, frame


@dataclass(frozen=True)
class Preview:
    """A small picture of the frame.

    Attributes:
        outline: the lesion's polygons as (x, y), preview pixels.
        annotations: likewise, around what was removed before the network saw the scan.
    """

    png: bytes
    width: int
    height: int
    outline: Polygons
    annotations: Polygons = ()


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


def row_of(said: Message) -> Row:
    return Row(
        instance=str(said["sop_instance_uid"]),
        study=str(said["study_instance_uid"] or ""),
        patient=str(said["patient_id"] or ""),
        frame=int(said["frame"]),
        state=safe(said["state"]),
        risk=None if said["risk"] is None else float(said["risk"]),
        risk_if={safe(label): float(risk) for label, risk in (said["risk_if"] or {}).items()},
        reason=safe(said["reason"] or ""),
        class_probabilities={safe(c): float(p) for c, p in (said["class_probabilities"] or {}).items()},
        flags=tuple(safe(flag) for flag in [*_flags(said), *_side_by_side(said)]),
        patient_name=person(said["patient_name"] or ""),
        patient_id=safe(said["patient_id"] or ""),
        received_at=_required_time(said["received_at"]),
        assessed_at=_time(said["assessed_at"]),
        latency_ms=_number(said["latency_ms"]),
        preview=preview_of(said.get("preview")),
        threshold=None if said.get("threshold") is None else float(said["threshold"]),
        above_threshold=None if said["above_threshold"] is None else bool(said["above_threshold"]),
        digest=safe(said["bundle_digest"] or ""),
        model=safe(said["model"] or ""),
        image=str(said.get("image_digest") or ""),
        side=safe(said.get("side") or ""),
        lesion=None if said.get("lesion") is None else int(said["lesion"]),
        left_out=bool(said.get("left_out")),
        left_out_reason=safe(said.get("left_out_reason") or ""),
        disputed=safe(said.get("disputed") or ""),
        superseded=bool(said.get("superseded")),
        slide=int(said.get("slide") or 0),
        scanner=safe(said.get("scanner") or ""),
        examined_at=_examined_at(said),
    )


def _examined_at(said: Message) -> datetime | None:
    day = said.get("study_date")
    moments = [f"{day}T{said.get('study_time') or '23:59:59'}"] * bool(day)
    moments += [str(said.get("acquired_at"))] * bool(said.get("acquired_at"))
    return max((datetime.fromisoformat(moment).astimezone() for moment in moments), default=None)


def _flags(said: Message) -> list[str]:
    """The row's; of removed annotations also how much, and how the picture marks them."""
    annotations = said.get("annotations")
    more = f": {100 * float(annotations['share']):.1f} %, dotted" if annotations else ""
    return [flag + more * (flag == Flag.ANNOTATIONS.value) for flag in said["flags"] or ()]


def _side_by_side(said: Message) -> list[str]:
    """What to know when a frame holds several scans: the row speaks of the one with the highest risk."""
    several = [f"highest of {said['scans']} scans in this frame"] if (said.get("scans") or 0) > 1 else []
    return several + [f"another scan of this frame: {reason}" for reason in said.get("skipped") or ()]


def preview_of(said: Message | None) -> Preview | None:
    if said is None:
        return None
    png, width, height = base64.b64decode(said["png"]), int(said["width"]), int(said["height"])
    return Preview(png, width, height, _polygons(said["outline"]), _polygons(said.get("annotations") or ()))


def _polygons(said: Iterable[Iterable[tuple[float, float]]]) -> Polygons:
    return tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in said)


def agent_of(said: Message) -> Agent:
    return Agent(
        state=safe(said["state"]),
        address=safe(f"{said['ae_title']} at {said['host']}:{said['port']}"),
        port=int(said["port"]),
        queue=int(said["queue"]),
        received=int(said["received"]),
        latency_p50_ms=_number(said["latency_p50_ms"]),
        latency_p95_ms=_number(said["latency_p95_ms"]),
        last_received_at=_time(said["last_received_at"]),
        precision="" if said["precision"] in (None, "float32") else safe(said["precision"]),
        fallback=safe(said["runtime"]) if said["runtime_note"] else "",
        fallback_why=safe(said["runtime_note"] or ""),
        last_contact_at=_time(said.get("last_contact_at")),
        disk=in_words(said),
        disk_low=warning(said),
        late=late_warning(said),
        remarks=tuple(safe(remark) for remark in said.get("remarks", ())),
        scanners=tuple((safe(one["name"]), _time(one["last_seen_at"])) for one in said.get("scanners", ())),
    )


def model_of(said: Message) -> Model:
    return Model(
        name=safe(f"{said['name']} {said['version']}"),
        digest=safe(said["digest"]),
        trained_on=safe(said["trained_on"]),
        threshold=float(said["threshold"]),
        threshold_note=safe(said["threshold_note"] or ""),
        test_only=bool(said["test_only"]),
    )


def _number(said: float | None) -> float | None:
    return None if said is None else float(said)


def _time(said: str | None) -> datetime | None:
    return None if said is None else _required_time(said)


def _required_time(said: str) -> datetime:
    return datetime.fromisoformat(said.replace("Z", "+00:00")).astimezone()  # Python 3.10 knows no Z
