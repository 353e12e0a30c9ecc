"""What the worker is asked and answers, and the queue: headers first, then stills, then cine frames.

What came before the agent started waits until nothing newer does: nobody at the couch waits for last year.
"""

import heapq
import itertools
import threading
from dataclasses import dataclass, field
from enum import IntEnum

from edge.entries.finding import Found
from edge.row import NOT_SCORED, Patient, Preview, Row, now


class Priority(IntEnum):
    """The lower comes first."""

    INSPECT = 0
    STILL = 1
    CINE = 2


@dataclass(frozen=True)
class Job:
    """Read the header of one instance, or assess one frame of it.

    Attributes:
        file: its name in the spool.
        received_at: as in a row.
        frame: 1-based; what is asked of the header alone counts as frame 1.
        previous: what was found when other content came under this UID before.
    """

    priority: Priority
    file: str
    sop_instance_uid: str
    received_at: str
    study_instance_uid: str | None = None
    frame: int = 1
    previous: Row | None = None


@dataclass(frozen=True)
class Inspection:
    """Answer to an INSPECT job: what the header of an instance says.

    Attributes:
        flags: what of it can't be decoded, as in a row.
        frame_count: 0 when the instance can't be scored; `reason` says why.
    """

    sop_instance_uid: str = ""
    study_instance_uid: str | None = None
    patient: Patient = field(default_factory=Patient)
    flags: tuple[str, ...] = ()
    frame_count: int = 0
    reason: str | None = None

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
    """

    row: Row
    preview: Preview | None = None
    readable: bool = True
    reused: bool = False
    found: Found | None = None
    prepared: tuple[Preview, ...] = ()


class JobQueue:
    """A priority queue, first in first out within a priority. `get` sleeps until there is something.

    Args:
        began: what was received before, as in a row, comes last.
    """

    def __init__(self, began: str = "") -> None:
        self._began = began
        self._heap: list[tuple[bool, int, int, Job]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, job: Job) -> None:
        with self._changed:
            old = job.received_at < self._began
            # Of the old ones each instance is finished first: thousands of headers would let no risk through.
            last = old and job.priority is Priority.INSPECT
            rank = len(Priority) if last else int(job.priority)
            heapq.heappush(self._heap, (old, rank, next(self._count), job))
            self._changed.notify()

    def get(self) -> Job | None:
        """The next job; None once the queue is closed, whatever still waits in it."""
        with self._changed:
            self._changed.wait_for(lambda: self._heap or self._closed)
            return None if self._closed else heapq.heappop(self._heap)[3]

    def wait_closed(self, timeout_s: float) -> bool:
        """Sleep for `timeout_s`, or until the queue is closed; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout_s)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._heap)
