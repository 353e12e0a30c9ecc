"""The order in which images are scored: one slot in turn for each scanner, the newest study first in it.

A slot is one frame. Before it a few headers are read, the newest images first, so that what has just come is
known at once and a backlog of headers holds no result up. Within a study stills come before cine frames, and
cines take turns frame by frame.
"""

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Iterator

from edge.protocol.row import milliseconds, now
from edge.scoring.jobs import Job, Priority

_HEADERS_A_SLOT = 8  # so many headers take about as long as one frame
_RECENT_S = 10.0  # an image that came longer ago belongs to a backlog
_NO_THREAD_S = 1.0  # the pause before a job that no thread can put later
_BURST_S, _BURST_IMAGES = 0.5, 32  # images that came this close together, and how many of them


class JobQueue:
    """The jobs that wait. `get` sleeps until there is one. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._turn: _Lane | None = None  # the lane whose slot is not over
        self._slots = itertools.count()
        self._count = 0
        self._in_hand: Job | None = None  # the one that `get` gave last
        self._put_off: dict[tuple[int, int], Job] = {}  # by receipt and frame
        self._changed = threading.Condition()
        self._closed = False

    def put(self, job: Job) -> None:
        with self._changed:
            self._put_off.pop((job.receipt, job.frame), None)
            lane = self._lanes.setdefault(job.source, _Lane())
            lane.put(job)
            self._count += 1
            self._changed.notify()

    def put_later(self, job: Job, wait_s: float) -> None:
        """Put a job once `wait_s` are over. It counts as one that waits meanwhile."""
        with self._changed:
            self._put_off[job.receipt, job.frame] = job
        try:
            later = threading.Timer(wait_s, self.put, (job,))
            later.daemon = True
            later.start()
        except RuntimeError:  # no thread can be started
            if not self.wait_closed(min(wait_s, _NO_THREAD_S)):
                self.put(job)

    @property
    def closed(self) -> bool:
        return self._closed

    def get(self, timeout_s: float | None = None) -> Job | None:
        """The next job; None when the time is over, and once the queue is closed."""
        with self._changed:
            self._in_hand = None
            if not self._changed.wait_for(lambda: self._count or self._closed, timeout_s) or self._closed:
                return None
            if self._turn is None or not self._turn.waits:
                waiting = [lane for lane in self._lanes.values() if lane.waits]
                self._turn = min(waiting, key=lambda lane: lane.last_slot)
                self._turn.begin_slot(next(self._slots))
            job = self._turn.get()
            if self._turn.slot_is_over:
                self._turn = None
            self._count -= 1
            self._in_hand = job
            return job

    def oldest(self) -> str | None:
        """When the image was received that waits longest for its result, as in a row; None when none does.

        An image that is scored again has a result, or had one.
        """
        with self._changed:
            waiting = [at for lane in self._lanes.values() if (at := lane.oldest())]
            if self._in_hand is not None and not self._in_hand.again:
                waiting.append(self._in_hand.received_at)
            waiting += [job.received_at for job in self._put_off.values()]
            return min(waiting, default=None)

    def wait_closed(self, timeout_s: float) -> bool:
        """Sleep for `timeout_s`, or until the queue is closed; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, timeout_s)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return self._count + len(self._put_off)


class _Lane:
    """The jobs of one scanner.

    Attributes:
        last_slot: number of its last slot; a lane that never had one comes first.
        slot_is_over: whether another lane is next.
    """

    def __init__(self) -> None:
        self.last_slot, self.slot_is_over = -1, True
        self._headers_left = 0
        self._order = itertools.count()
        self._headers = _Headers()
        self._studies: dict[str, list[tuple[bool, int, int, int, Job]]] = {}  # each a heap
        self._newest: dict[str, str] = {}  # when the newest image of each study was received

    @property
    def waits(self) -> bool:
        return bool(self._headers) or bool(self._studies)

    def begin_slot(self, number: int) -> None:
        self.last_slot, self.slot_is_over, self._headers_left = number, False, _HEADERS_A_SLOT

    def put(self, job: Job) -> None:
        if job.priority is Priority.INSPECT:
            self._headers.put(job)
            return
        study = job.study_instance_uid or job.sop_instance_uid
        rank = (job.again, int(job.priority), job.turn, next(self._order), job)
        heapq.heappush(self._studies.setdefault(study, []), rank)
        self._newest[study] = max(self._newest.get(study, ""), job.received_at)

    def get(self) -> Job:
        if self._headers and (self._headers_left > 0 or not self._studies):
            self._headers_left -= 1
            self.slot_is_over = self._headers_left <= 0 and not self._studies
            return self._headers.get()
        self.slot_is_over = True
        study = max(self._newest, key=self._newest.__getitem__)
        job = heapq.heappop(self._studies[study])[-1]
        if not self._studies[study]:
            del self._studies[study], self._newest[study]
        return job

    def oldest(self) -> str | None:
        frames = (job for heap in self._studies.values() for *_, job in heap)
        jobs = itertools.chain(frames, self._headers.jobs())
        return min((job.received_at for job in jobs if not job.again), default=None)


class _Headers:
    """The instances of a scanner whose headers nobody has read.

    Slides are numbered as headers are read: a backlog is read in the order of reception. What has just come
    goes before it, burst by burst, the newest first and each burst in its order.
    """

    def __init__(self) -> None:
        self._old: deque[Job] = deque()  # that did not come just now, in the order of their putting
        self._bursts: deque[_Burst] = deque()  # in the order of reception

    def put(self, job: Job) -> None:
        last = self._bursts[-1] if self._bursts else None
        if last is None or not last.takes(job):
            last = _Burst(job)
            if not last.is_recent:
                self._old.append(job)
                return
            self._bursts.append(last)
        last.add(job)

    def get(self) -> Job:
        if self._old and not (self._bursts and self._bursts[-1].is_recent):
            return self._old.popleft()
        at = -1 if self._bursts[-1].is_recent else 0
        job = self._bursts[at].jobs.popleft()
        if not self._bursts[at].jobs:
            del self._bursts[at]
        return job

    def jobs(self) -> Iterator[Job]:
        return itertools.chain(self._old, (job for burst in self._bursts for job in burst.jobs))

    def __bool__(self) -> bool:
        return bool(self._old or self._bursts)


class _Burst:
    """Images that came close together."""

    def __init__(self, first: Job) -> None:
        self.jobs: deque[Job] = deque()
        self._last, self._room = first, _BURST_IMAGES
        self._recent_until = time.monotonic() + _RECENT_S - milliseconds(first.received_at, now()) / 1e3

    @property
    def is_recent(self) -> bool:
        return time.monotonic() < self._recent_until

    def takes(self, job: Job) -> bool:
        return self._room > 0 and 0 <= milliseconds(self._last.received_at, job.received_at) < 1e3 * _BURST_S

    def add(self, job: Job) -> None:
        self.jobs.append(job)
        self._last, self._room = job, self._room - 1
