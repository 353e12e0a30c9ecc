"""The thread that feeds the worker: job after job, through its crashes, until the queue is closed."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace

from edge.health import READY, Health
from edge.jobs import Inspection, Job, JobQueue, Priority, Result
from edge.row import FAILED, MIXED_STUDY, Row, milliseconds, now
from edge.store import Store, ViewRow
from edge.worker import Worker, WorkerLost
from scanside.errors import RunnerError
from scanside.scan.cine import frames_to_score

_ATTEMPTS = 3  # a job that takes the worker down this often has failed
_STORE_RETRY_S = 2.0
_log = logging.getLogger(__name__)


class Scoring(threading.Thread):
    """Takes jobs from `queue` to `worker` and what it answers to `store`.

    Args:
        cine_frames: how many frames of a multi-frame image are scored.
        publish: told each row that changed.
        resend: called when rows changed beside the one that is published.
        broken: called when the thread ends by a fault of the program.
    """

    def __init__(
        self,
        queue: JobQueue,
        worker: Worker,
        store: Store,
        health: Health,
        cine_frames: int,
        publish: Callable[[ViewRow], None],
        broken: Callable[[], None],
        resend: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="scoring", daemon=True)
        self._queue, self._worker, self._store, self._health = queue, worker, store, health
        self._cine_frames, self._publish, self._broken = cine_frames, publish, broken
        self._resend = resend

    def run(self) -> None:
        try:
            self._start_worker()
            self._health.is_now(READY)
            _log.info("ready")
            while (job := self._queue.get()) is not None:
                answer = self._ask(job)
                if answer is not None:
                    self._apply(job, answer)
        except RunnerError as error:  # the agent goes on receiving; what came waits for a better start
            self._health.is_now(f"not scoring: {error}")
            _log.error("not scoring: %s", error)
        except Exception:
            _log.exception("scoring ended by a fault of the program")
            self._broken()
        finally:
            self._worker.stop()

    def _start_worker(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                runtime = self._worker.start()
                self._health.runs_in(runtime.name, runtime.refused)
                for refused in runtime.refused:
                    _log.warning("runs in %s, not in %s", runtime.name, refused)
                return
            except WorkerLost as lost:
                _log.error("%s at its start, attempt %d of %d", lost, attempt, _ATTEMPTS)
        raise RunnerError(f"the worker process does not start ({_ATTEMPTS} attempts). See the agent's log.")

    def _ask(self, job: Job) -> Inspection | Result | None:
        """The worker's answer; a failed result after three crashes; None when the agent stops meanwhile."""
        reason = ""
        for attempt in range(1, _ATTEMPTS + 1):
            if not self._worker.alive:
                self._start_worker()
            try:
                return self._worker.ask(job)
            except WorkerLost as lost:
                reason = str(lost)
                _log.error("%s on %s, attempt %d of %d", lost, job.sop_instance_uid, attempt, _ATTEMPTS)
            if self._queue.wait_closed(0):
                return None
        reason = f"{reason}, {_ATTEMPTS} times; the image may be damaged"
        row = Row(job.sop_instance_uid, job.frame, job.study_instance_uid, assessed_at=now())
        return Result(replace(row, state=FAILED, reason=reason))

    def _apply(self, job: Job, answer: Inspection | Result) -> None:
        """Store an answer; while the disk is full, keep it and try again."""
        while True:
            try:
                if isinstance(answer, Result):
                    self._finish(job, answer)
                else:
                    self._expand(job, answer)
                self._health.is_now(READY)
                return
            except sqlite3.Error as error:
                self._health.is_now(f"not scoring: results can't be stored ({error}). Is the disk full?")
                _log.error("results can't be stored: %s", error)
                if self._queue.wait_closed(_STORE_RETRY_S):
                    return

    def _expand(self, job: Job, found: Inspection) -> None:
        frames = frames_to_score(max(1, found.frame_count), self._cine_frames)
        pending = self._store.expand(job.file, found.study_instance_uid, found.patient, frames)
        mixed = any(MIXED_STUDY in view["flags"] for view in pending)
        previous = {
            view["frame"]: self._store.previous(job.sop_instance_uid, view["frame"]) for view in pending
        }
        if mixed:
            _log.warning("%s: %s", job.sop_instance_uid, MIXED_STUDY)
        if mixed or any(previous.values()):  # flags of other rows may have come or gone
            self._resend()
        for view in pending:
            self._publish(view)
        if not found.frame_count:
            self._finish(job, Result(found.refusal(job.sop_instance_uid)))
            return
        priority = Priority.STILL if found.frame_count == 1 else Priority.CINE
        for frame, before in previous.items():
            self._queue.put(
                replace(
                    job,
                    priority=priority,
                    study_instance_uid=found.study_instance_uid,
                    frame=frame,
                    previous=before,
                )
            )

    def _finish(self, job: Job, result: Result) -> None:
        latency_ms = round(milliseconds(job.received_at, now()), 1)
        row = replace(result.row, received_at=job.received_at, latency_ms=latency_ms)
        view = self._store.finish(job.file, row, result.preview, reused=result.reused)
        if view is None:
            return
        self._health.took(latency_ms)
        self._publish(view)
        if result.reused:
            _log.info("%s, frame %d: the same image, its result remains", row.sop_instance_uid, row.frame)
            return
        _log.info(
            "%s %s, frame %d, %.0f ms%s",
            row.state,
            row.sop_instance_uid,
            row.frame,
            latency_ms,
            f": {row.reason}" if row.reason else "",
        )
