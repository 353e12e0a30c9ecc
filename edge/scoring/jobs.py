"""What the worker is asked, and what it answers."""

from dataclasses import asdict, dataclass, field
from enum import IntEnum

from edge.entries.finding import Found
from edge.protocol.row import NOT_SCORED, Acquisition, Patient, Preview, Row, now


class Priority(IntEnum):
    """Within a study the lower comes first."""

    INSPECT = 0
    STILL = 1
    CINE = 2


@dataclass(frozen=True)
class Job:
    """Read the header of one instance, or assess one frame of it.

    Attributes:
        file: its name in the spool.
        receipt: which taking of the file into the index it is about; a result of another one is dropped.
        received_at: as in a row.
        source, scanner: which one it came from, as in `Spooled`.
        frame: 1-based; what is asked of the header alone counts as frame 1.
        turn: of the frames of a cine that are scored, which one this is, from 0.
        previous: what was found before: when other content came under this UID, or before it is scored again.
        again: it has had a result and is scored again: nobody waits for it, and nothing is taken over.
    """

    priority: Priority
    file: str
    receipt: int
    sop_instance_uid: str
    received_at: str
    source: str = ""
    scanner: str = ""
    study_instance_uid: str | None = None
    frame: int = 1
    turn: int = 0
    previous: Row | None = None
    again: bool = False


@dataclass(frozen=True)
class Inspection:
    """Answer to an INSPECT job: what the header of an instance says.

    Attributes:
        flags: what of it can't be decoded, as in a row.
        acquisition: when and where it was made.
        frame_count: 0 when the instance can't be scored; `reason` says why.
        machine: what this machine lacked (edge/scoring/machine.py): nothing was found out, it is tried again.
    """

    sop_instance_uid: str = ""
    study_instance_uid: str | None = None
    patient: Patient = field(default_factory=Patient)
    flags: tuple[str, ...] = ()
    acquisition: Acquisition = field(default_factory=Acquisition)
    frame_count: int = 0
    reason: str | None = None
    machine: str | None = None

    def refusal(self, sop_instance_uid: str) -> Row:
        """The row of an instance that can't be scored."""
        return Row(
            sop_instance_uid,
            1,
            self.study_instance_uid,
            state=NOT_SCORED,
            reason=self.reason,
            flags=self.flags,
            assessed_at=now(),
            **asdict(self.acquisition),
        )


@dataclass(frozen=True)
class Result:
    """Answer to any other job: the row of one frame, and its picture.

    Attributes:
        preview: None when the frame can't be decoded.
        readable: False when that is the fault of the file.
        reused: the image is the one that `Job.previous` is about: `row` tells its result, not a new one.
        found: what the row follows from; None unless scored.
        prepared: what the network got of each scan that was found.
        machine: as of an `Inspection`.
    """

    row: Row
    preview: Preview | None = None
    readable: bool = True
    reused: bool = False
    found: Found | None = None
    prepared: tuple[Preview, ...] = ()
    machine: str | None = None
