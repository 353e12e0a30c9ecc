"""A process of its own decodes and scores: bytes that crash a codec take it down, not the receiver."""

import logging
import multiprocessing
import os
import signal
import threading
import warnings
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from edge.how import HowToRun
from edge.jobs import Inspection, Job, Priority, Result
from scanside.bundle import Bundle
from scanside.errors import RunnerError, ScansideError

_START_TIMEOUT_S = 120.0
_log = logging.getLogger(__name__)


class WorkerLost(ScansideError):
    """The process crashed or did not answer in time; the message says which."""


class Worker:
    """The process and the way to ask it. For one thread only.

    Args:
        bundle: the verified bundle; the process gets these bytes, not the folder.
        spool: where the files of the jobs lie.
        how: how the network is run.
        timeout_s: time for one job.
    """

    def __init__(self, bundle: Bundle, spool: Path, how: HowToRun, timeout_s: float) -> None:
        self._arguments = (bundle, spool, how, timeout_s)
        self._timeout_s = timeout_s
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and wait until its model has reproduced the golden case.

        Raises:
            RunnerError: it has not; a new start would not help.
            WorkerLost: the process crashed.
        """
        self.stop()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()  # else a dead worker's pipe would never end
        refusal = self._answer(_START_TIMEOUT_S)
        if refusal is not None:
            self.stop()
            raise RunnerError(str(refusal))

    def ask(self, job: Job) -> Inspection | Result:
        """The answer to one job: an Inspection or a Result.

        Raises:
            WorkerLost: the process crashed or took too long; it is gone, `start` makes a new one.
        """
        assert self._connection is not None
        try:
            self._connection.send(job)
        except OSError:
            raise self._lost("crashed") from None
        answer: Inspection | Result = self._answer(self._timeout_s)
        return answer

    def stop(self) -> None:
        """End the process at once."""
        if self._process is not None and self._connection is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()
        self._process = self._connection = None

    def _answer(self, timeout_s: float) -> Any:
        assert self._connection is not None
        try:
            if self._connection.poll(timeout_s):
                return self._connection.recv()
        except (EOFError, OSError):
            raise self._lost("crashed") from None
        raise self._lost(f"gave no answer within {timeout_s:g} s")

    def _lost(self, how: str) -> WorkerLost:
        self.stop()
        return WorkerLost(f"the worker process {how}")


def _work(connection: Connection, bundle: Bundle, spool: Path, how: HowToRun, timeout_s: float) -> None:
    """The process: prove the model, then answer jobs until the parent is gone."""
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, signal.SIG_IGN)  # the parent decides, after the current job
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its warnings cite values: identities
    warnings.simplefilter("ignore")
    from edge.inference import Inference, inspect

    try:
        inference = Inference(bundle, how)
    except ScansideError as error:
        connection.send(str(error))
        return
    connection.send(None)
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        # The kernel's own clock: a codec that hangs with the interpreter's lock outlives no parent.
        signal.alarm(int(timeout_s) + 5)
        path = spool / job.file
        if job.priority is Priority.INSPECT:
            connection.send(inspect(path))
        else:
            connection.send(
                inference.assess(path, job.sop_instance_uid, job.study_instance_uid, job.frame, job.previous)
            )
        signal.alarm(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
