"""The models of studies that began under another bundle than the present one, run while such a study goes on.

A second worker process runs one of them, from the first image that needs it until none has for a while. So a
study that is open while the model is updated ends under the model that it began with.
"""

import logging
import time
from collections.abc import Callable

from edge.protocol.row import milliseconds
from edge.scoring.jobs import Job
from edge.scoring.worker import Runtime, Worker, WorkerLost
from edge.storage.bundles import KeptBundles
from edge.storage.store import Store
from scanside.errors import ScansideError
from scanside.model.bundle import Bundle

_STARTS = 3  # of a worker, before its model counts as unusable
_REST_S = 600.0  # without an image for it, the second worker ends
_log = logging.getLogger(__name__)


class OwnModels:
    """Finds the worker for a study that has a model of its own. For the scoring thread alone.

    Args:
        present: digest of the bundle that new studies get.
        open_h: for so many hours after its last image a study goes on under its model.
        make_worker: makes the worker of a bundle, as for the present one.
        started: told what the network of a study's own model runs in.

    Attributes:
        problems: why a model can't be used, by digest; others may read it.
    """

    def __init__(
        self,
        present: str,
        kept: KeptBundles,
        store: Store,
        open_h: float,
        make_worker: Callable[[Bundle], Worker],
        started: Callable[[Runtime], None] = lambda _runtime: None,
    ) -> None:
        self._present, self._kept, self._store, self._open_h = present, kept, store, open_h
        self._make_worker, self._started = make_worker, started
        self._digest, self._used = "", 0.0
        self._worker: Worker | None = None
        self.problems: dict[str, str] = {}

    @property
    def worker(self) -> Worker | None:
        """The second worker, while there is one."""
        return self._worker

    def model_of(self, job: Job) -> str | None:
        """Digest of the model under which the study of `job` goes on; None: the present one.

        Who asks for new scores is promised the present model, whatever other slides of the study still have.
        """
        if job.again:
            return None
        scored = self._store.scored_by(job.receipt)
        if scored is None or scored.digest == self._present or scored.digest in self.problems:
            return None
        hours = milliseconds(scored.received_at, job.received_at) / 3.6e6
        return scored.digest if self._open_h and hours <= self._open_h else None

    def worker_of(self, digest: str) -> Worker | None:
        """The worker of a model, started and proved if need be; None where the model can't be used."""
        self._used = time.monotonic()
        if digest == self._digest and self._worker is not None and self._worker.alive:
            return self._worker
        try:
            if digest != self._digest or self._worker is None:
                self.stop()
                self._digest, self._worker = digest, self._make_worker(self._kept.load(digest))
            self._start(self._worker)
            return self._worker
        except (ScansideError, OSError) as error:
            self.refuse(digest, error)
            self.stop()
            return None

    def refuse(self, digest: str, error: Exception) -> None:
        """Note why a model can't be used; its studies go on under the present one."""
        if digest not in self.problems:
            _log.error("the model %s of open studies can't be used: %s", digest[:12], error)
        self.problems = {**self.problems, digest: str(error)}

    def try_worker(self) -> None:
        """End a second worker that no longer answers; the next image that needs it starts another."""
        if self._worker is None or not self._worker.alive:
            return
        try:
            self._worker.ping()
        except WorkerLost as lost:
            _log.error("%s under a study's own model, with nothing to do", lost)
            self.stop()

    def rest(self) -> None:
        """End the second worker when no image has needed it for a while."""
        if self._worker is not None and time.monotonic() - self._used > _REST_S:
            self.stop()

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        self._digest, self._worker = "", None

    def _start(self, worker: Worker) -> None:
        for attempt in range(1, _STARTS + 1):
            try:
                self._started(worker.start())
                return
            except WorkerLost as lost:
                _log.error("%s at its start under a study's own model, attempt %d", lost, attempt)
                if attempt == _STARTS:
                    raise
