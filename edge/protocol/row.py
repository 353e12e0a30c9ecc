"""One frame and what became of it: a row of the index, `edge results`, `edge assess` and the views."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

# Flags of the agent; those of the preparation are in scanside.
NEW_VERSION = "another image came before under this UID"
MIXED_STUDY = "this study also came under another patient ID"
SHARED_ID = "this patient ID also came under another name"
NAME_UNDECODED = "characters of the patient's name can't be decoded"
ID_UNDECODED = "characters of the patient ID can't be decoded"
UNDECODED = (NAME_UNDECODED, ID_UNDECODED)
OF_INSTANCE = (NEW_VERSION, *UNDECODED)  # whatever becomes of its frames
DOUBTED, AT_MOST = "doubted", "at most"  # what `clock` of a row may be
CLOCK_FLAGS = {
    DOUBTED: "time of reception in doubt: the clock of this machine was not trusted",
    AT_MOST: "received then or before: the clock of this machine was wrong",
}
Polygons = tuple[tuple[tuple[int, int], ...], ...]  # each point (x, y), pixels of a picture
PENDING, SCORED, NOT_SCORED, FAILED = "pending", "scored", "not_scored", "failed"


@dataclass(frozen=True)
class Row:
    """The keys of docs/results-json.md, where each is explained.

    Attributes:
        frame: 1-based, as DICOM counts.
        slide: its number in the study, from 1; None before its header is read, and from `edge assess`.
        state: "pending", "scored", "not_scored" (`reason` says why) or "failed" (likewise).
        exam: what the header says against an exam of an ovary (scanside.exam), each in words.
        risk: 0 to 1; None when it was not scored or hangs on an unknown clinical fact (`risk_if`).
        threshold: risk from which the model that scored it counts it as above; None unless scored.
        above_threshold: whether the risk is at or above it; None when there is no risk.
        study_date, study_time, acquired_at, accession_number, station: as in `Acquisition`; None before the
            header was read.
        source: the scanner that sent it: its AE title and its address; None from `edge assess`.
        scanner: its name in the settings; None where they know none.
        received_at, assessed_at: ISO 8601, UTC.
        clock: None where the clock was trusted as it was received; "doubted" where it is not known yet
            whether the clock was right; "at most" where it was wrong: it came at `received_at` or before.
        latency_ms: from received to stored.
        annotations: what the denoiser removed, `share` and `boxes`; None unless scored by a model with one.
        facts: the clinical facts that the risk stands on.
        side, lesion, left_out, left_out_reason, disputed: what a person entered about it; `disputed` is the
            reason.
        superseded: another image came under its UID, or an entry changed its risk since it was first told.
    """

    sop_instance_uid: str
    frame: int
    study_instance_uid: str | None = None
    slide: int | None = None
    state: str = PENDING
    risk: float | None = None
    risk_if: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None
    above_threshold: bool | None = None
    reason: str | None = None
    class_probabilities: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    exam: tuple[str, ...] = ()
    scans: int = 0
    skipped: tuple[str, ...] = ()
    found_by: str | None = None
    distance: float | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    bundle_digest: str | None = None
    model: str | None = None
    study_date: str | None = None
    study_time: str | None = None
    acquired_at: str | None = None
    accession_number: str | None = None
    station: str | None = None
    source: str | None = None
    scanner: str | None = None
    received_at: str | None = None
    clock: str | None = None
    assessed_at: str | None = None
    latency_ms: float | None = None
    image_digest: str | None = None
    annotations: Mapping[str, Any] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    side: str | None = None
    lesion: int | None = None
    left_out: bool = False
    left_out_reason: str | None = None
    disputed: str | None = None
    superseded: bool = False


@dataclass(frozen=True)
class PatientRow(Row):
    """A row, and whose it is.

    Attributes:
        patient_name, patient_id: as in the header; empty until it was read.
    """

    patient_name: str = ""
    patient_id: str = ""

    @property
    def owner(self) -> tuple[str, str]:
        """The study of a patient that it belongs to; its UID is empty until the header was read."""
        return self.study_instance_uid or "", self.patient_id


@dataclass(frozen=True)
class ShownRow(PatientRow):
    """A row as views get it: with a small picture, where one is sent along."""

    preview: "Preview | None" = None


@dataclass(frozen=True)
class Preview:
    """A small picture of a frame.

    Attributes:
        png: the picture.
        width, height: its size, pixels.
        outline: the lesion's polygons, each a list of (x, y), pixels of the picture.
        annotations: likewise, around what the denoiser removed from the scan; the picture still has it.
    """

    png: bytes
    width: int
    height: int
    outline: Polygons
    annotations: Polygons = ()


@dataclass(frozen=True)
class Patient:
    """Who the screen says it is; DICOM's own notation.

    Attributes:
        issuer: Issuer of Patient ID (0010,0021): two hospitals may give one ID to two people.
    """

    name: str = ""
    id: str = ""
    issuer: str = ""


@dataclass(frozen=True)
class Acquisition:
    """When and where an instance was made; None where the header has no valid value.

    Attributes:
        study_date: of Study Date (0008,0020), as YYYY-MM-DD.
        study_time: of Study Time (0008,0030), as HH:MM:SS.
        acquired_at: when the image was made by the machine's clock, as YYYY-MM-DDTHH:MM:SS without a zone: of
            Acquisition DateTime (0008,002A), else of Acquisition or Content Date and Time.
        accession_number: of Accession Number (0008,0050).
        station: of Station Name (0008,1010).
    """

    study_date: str | None = None
    study_time: str | None = None
    acquired_at: str | None = None
    accession_number: str | None = None
    station: str | None = None


def now() -> str:
    """The time as rows say it."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def milliseconds(start: str, end: str) -> float:
    """Time between two times of a row."""
    return 1e3 * (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
