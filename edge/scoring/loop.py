"""The thread that feeds the worker: job after job, through its crashes, until the queue is closed."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from edge.monitor.condition import READY, Health
from edge.processes.lasting import Lasting
from edge.protocol.row import MIXED_STUDY, SHARED_ID, ShownRow, milliseconds, now
from edge.scoring.cines import CINE_UNLIKE_SHARE, Cines
from edge.scoring.jobs import Inspection, Job, Priority, Result
from edge.scoring.own_models import OwnModels
from edge.scoring.queue import JobQueue
from edge.scoring.worker import Worker, WorkerLost
from edge.storage.store import Store
from scanside.errors import InputError, RunnerError
from scanside.scan.cine import frames_to_score

_ATTEMPTS = 3  # an instance that takes the worker down this often goes to quarantine
_STORE_RETRY_S = 2.0
_PUT_OFF_S, _LONGEST_PUT_OFF_S = 1.0, 600.0  # a job that this machine can't do now
_IDLE_S = 5.0  # without a job: the worker is asked whether it answers
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Scoring(threading.Thread):
    """Takes jobs from `queue` to `worker` and what it answers to `store`.

    Args:
        cine_frames: how many frames of a multi-frame image are scored.
        cine_unlike_share: of which more than this share unlike the training data leaves no risk.
        publish: told each row that changed.
        quarantine: puts an instance away, with the reason; the rows that say so.
        resend: called when rows changed beside the one that is published.
        inspected: told of each header that is read, and whether an earlier version had a result.
        numbered: told file and instance once the slides have their numbers.
        own_models: finds the worker for a study that goes on under another model than the present one.
        fell_back: told the runtime that is used, and each that the settings prefer to it, with the reason.

    Attributes:
        broken: the thread ended by a fault of the program.
    """

    def __init__(
        self,
        queue: JobQueue,
        worker: Worker,
        store: Store,
        health: Health,
        cine_frames: int,
        publish: Callable[[ShownRow], None],
        quarantine: Callable[[Job, str], list[ShownRow]],
        resend: Callable[[], None] = lambda: None,
        inspected: Callable[[Job, Inspection, bool], None] = lambda _job, _found, _before: None,
        fell_back: Callable[[str, str], None] = lambda _runtime, _refused: None,
        cine_unlike_share: float = CINE_UNLIKE_SHARE,
        numbered: Callable[[str, str], None] = lambda _file, _instance: None,
        own_models: OwnModels | None = None,
    ) -> None:
        super().__init__(name="scoring", daemon=True)
        self._queue, self._worker, self._store, self._health = queue, worker, store, health
        self._cines = Cines(cine_unlike_share)
        self._cine_frames, self._publish, self._quarantine = cine_frames, publish, quarantine
        self._resend, self._inspected, self._fell_back = resend, inspected, fell_back
        self._put_offs: dict[tuple[int, int], int] = {}  # receipt and frame: how often
        self._why_put_off = ""
        self._unstored = Lasting(_log, "results can't be stored")
        self._numbered, self._began, self._own_models = numbered, now(), own_models
        self.broken = False

    def run(self) -> None:
        try:
            self._start_worker()
            self._health.is_now(READY)
            _log.info("ready")
            while not self._queue.closed:
                job = self._queue.get(_IDLE_S)
                if self._own_models is not None:
                    self._own_models.rest()
                if job is None:
                    self._try_worker()
                elif (answer := self._ask(job)) is None:
                    continue
                elif answer.machine:
                    self._put_off(job, answer.machine)
                else:
                    self._over(job)
                    self._apply(job, answer)
        except (RunnerError, InputError) as error:  # it goes on receiving; what came waits for a better start
            self._health.is_now(f"not scoring: {error}")
            _log.error("not scoring: %s", error)
        except Exception:
            _log.exception("scoring ended by a fault of the program")
            self.broken = True
        finally:
            self._worker.stop()
            if self._own_models is not None:
                self._own_models.stop()

    def _put_off(self, job: Job, why: str) -> None:
        """Try a job again later: the fault is the machine's, and others may be done meanwhile."""
        key = job.receipt, job.frame
        often = self._put_offs[key] = self._put_offs.get(key, 0) + 1
        wait_s = min(_LONGEST_PUT_OFF_S, _PUT_OFF_S * 2 ** min(often, 16))
        self._health.is_now(f"not scoring: {why}. It is tried again.")
        _log.error("%s, frame %d: %s; tried again in %.0f s", job.sop_instance_uid, job.frame, why, wait_s)
        self._say_put_offs(why)
        self._queue.put_later(job, wait_s)

    def _over(self, job: Job) -> None:
        """A job does not wait for another try any more."""
        if self._put_offs.pop((job.receipt, job.frame), None) is not None:
            self._say_put_offs(self._why_put_off)

    def _say_put_offs(self, why: str) -> None:
        """Say how many images wait for another try: the state speaks of the last job alone."""
        self._why_put_off = why
        count = len({receipt for receipt, _ in self._put_offs})
        wait = "1 image waits" if count == 1 else f"{count} images wait"
        self._health.remark("put off", f"{wait} for another try: {why}" if count else "")

    def _start_worker(self) -> None:
        """Start the worker; where it can't, the machine may be short of something: try until the agent stops.

        Raises:
            RunnerError: no runtime reproduces the model's golden case, or the agent stops.
        """
        wait_s = _PUT_OFF_S
        while True:
            if self._tried_to_start_worker():
                return
            problem = f"the worker process does not start ({_ATTEMPTS} attempts). See the agent's log."
            self._health.is_now(f"not scoring: {problem}")
            if self._queue.wait_closed(wait_s):
                raise RunnerError(problem)
            wait_s = min(_LONGEST_PUT_OFF_S, 2 * wait_s)

    def _tried_to_start_worker(self) -> bool:
        """Whether it started, in a few attempts."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                runtime = self._worker.start()
                self._health.runs_in(runtime.name, runtime.precision, runtime.refused)
                for refused in runtime.refused:
                    _log.warning("runs in %s, not in %s", runtime.name, refused)
                    self._fell_back(runtime.name, refused)
                return True
            except WorkerLost as lost:
                _log.error("%s at its start, attempt %d of %d", lost, attempt, _ATTEMPTS)
        return False

    def _try_worker(self) -> None:
        """Replace a worker that no longer answers although it has nothing to do."""
        try:
            if self._worker.alive:
                self._worker.ping()
        except WorkerLost as lost:
            _log.error("%s, with nothing to do", lost)
            self._start_worker()
        if self._own_models is not None:
            self._own_models.try_worker()

    def _ask(self, job: Job) -> Inspection | Result | None:
        """The worker's answer; None when the instance went to quarantine, or the agent stops meanwhile.

        How often an instance took the worker down is kept in the index, through restarts of the agent.
        """
        kills = 0
        while True:
            worker = self._own_worker(job)
            if self._queue.closed:  # nobody could say which model it is: the next agent asks again
                return None
            if worker is None:
                worker = self._worker
                if not worker.alive:
                    self._start_worker()
            try:
                return worker.ask(job)
            except WorkerLost as lost:
                if lost.was_killed:  # for want of memory, or by a person: the image is not to blame
                    kills += 1
                    _log.error("%s on %s", lost, job.sop_instance_uid)
                    if kills >= _ATTEMPTS:
                        self._put_off(job, str(lost))
                        return None
                    continue
                attempt = self._stored(partial(self._store.attempt, job.file))
                _log.error("%s on %s, attempt %s of %d", lost, job.sop_instance_uid, attempt, _ATTEMPTS)
                if attempt is not None and attempt >= _ATTEMPTS:
                    reason = f"in quarantine: {lost}, {attempt} times; the image may be damaged"
                    for view in self._stored(partial(self._quarantine, job, reason)) or []:
                        self._publish(view)
                    self._cines.forget(job.receipt)
                    self._over(job)
                    return None
            if self._queue.wait_closed(0):
                return None

    def _own_worker(self, job: Job) -> Worker | None:
        """The worker of the model under which the job's study goes on; None: that of the present one."""
        if self._own_models is None or job.priority is Priority.INSPECT:
            return None
        digest = self._stored(partial(self._own_models.model_of, job))
        return self._own_models.worker_of(digest) if digest else None

    def _stored(self, change: Callable[[], T]) -> T | None:
        """What `change` of the store returns; while the disk is full, try again; None when the agent stops.

        Raises:
            sqlite3.DatabaseError: the index is damaged; it is made anew by the next agent.
        """
        while True:
            try:
                done = change()
                self._unstored.passed()
                return done
            except (sqlite3.Error, OSError) as error:
                if type(error) is sqlite3.DatabaseError:  # its subclasses mean locked, full or read-only
                    raise
                self._health.is_now(f"not scoring: results can't be stored ({error}). Is the disk full?")
                self._unstored.met(str(error))
                if self._queue.wait_closed(_STORE_RETRY_S):
                    return None

    def _apply(self, job: Job, answer: Inspection | Result) -> None:
        """Store an answer, or what is certain by it; while the disk is full, keep it and try again."""

        if isinstance(answer, Inspection):
            self._stored(partial(self._expand, job, answer))
            self._health.is_now(READY)
            return
        for certain, result in self._cines.add(job, answer):
            self._stored(partial(self._finish, certain, result))
            self._health.is_now(READY)

    def _expand(self, job: Job, found: Inspection) -> None:
        frames = frames_to_score(max(1, found.frame_count), self._cine_frames)
        known = self._store.taken(job.receipt)
        if known is not None and not known.study_instance_uid:  # else it was inspected before a restart
            earlier = any(self._store.previous(job.sop_instance_uid, frame) for frame in frames)
            self._inspected(job, found, earlier)
        pending = self._store.expand(
            job.receipt, found.study_instance_uid, found.patient, frames, found.acquisition
        )
        doubts = [f for f in (MIXED_STUDY, SHARED_ID) if any(f in view.flags for view in pending)]
        if pending:
            self._numbered(job.file, job.sop_instance_uid)
        previous = {view.frame: self._store.previous(job.sop_instance_uid, view.frame) for view in pending}
        for doubt in doubts:
            _log.warning("%s: %s", job.sop_instance_uid, doubt)
        if not job.again:  # else the views know by now that it waits again
            if doubts or any(previous.values()):  # flags of other rows may have come or gone
                self._resend()
            for view in pending:
                self._publish(view)
        if not found.frame_count:
            self._finish(job, Result(found.refusal(job.sop_instance_uid)))
            return
        self._cines.begin(job.receipt, frames, self._store.outcomes(job.receipt))
        priority = Priority.STILL if found.frame_count == 1 else Priority.CINE
        for turn, (frame, before) in enumerate(previous.items()):
            self._queue.put(
                replace(
                    job,
                    priority=priority,
                    study_instance_uid=found.study_instance_uid,
                    frame=frame,
                    turn=turn,
                    previous=before,
                )
            )

    def _finish(self, job: Job, result: Result) -> None:
        taken_ms = round(milliseconds(job.received_at, now()), 1)
        # What came before this agent began has waited for it; and the clock may have been set back meanwhile.
        is_measured = taken_ms >= 0 and job.received_at >= self._began and not job.again
        latency_ms = taken_ms if is_measured else None
        row = replace(
            result.row,
            source=job.source or None,
            scanner=job.scanner or None,
            received_at=job.received_at,
            latency_ms=latency_ms,
        )
        view = self._store.finish(
            job.receipt, row, result.preview, result.found, result.prepared, reused=result.reused
        )
        if view is None:
            return
        if latency_ms is not None:
            self._health.took(latency_ms)
        self._publish(view)
        if result.reused:
            _log.info("%s, frame %d: the same image, its result remains", row.sop_instance_uid, row.frame)
            return
        _log.info(
            "%s %s, frame %d%s%s",
            row.state,
            row.sop_instance_uid,
            row.frame,
            "" if latency_ms is None else f", {latency_ms:.0f} ms",
            f": {row.reason}" if row.reason else "",
        )
