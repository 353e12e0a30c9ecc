"""A process of its own decodes and scores: bytes that crash a codec take it down, not the receiver."""

import logging
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from edge.processes.log import log_to_stderr
from edge.processes.process import obey_parent_alone
from edge.scoring.jobs import Inspection, Job, Priority, Result
from scanside.errors import ScansideError
from scanside.exam.options import ExamOptions
from scanside.model.bundle import Bundle
from scanside.runtime.preference import RuntimeOptions

_START_TIMEOUT_S = 120.0
_PING_S = 15.0
_CRASHED, _END_S = "crashed", 1.0
_WATCH_S = 0.1  # between two looks at its memory
_log = logging.getLogger(__name__)


class WorkerLost(ScansideError):
    """The process crashed or did not answer in time; the message says which.

    Attributes:
        was_killed: by something else on this machine, as the kernel does where memory ends.
    """

    def __init__(self, message: str, was_killed: bool = False) -> None:
        super().__init__(message)
        self.was_killed = was_killed


@dataclass(frozen=True)
class Runtime:
    """What the network runs in.

    Attributes:
        name: runtime, version and device, as shown to people.
        precision: that it computes in, "float32" or another.
        refused: what the settings prefer to it, each with the reason why it is not that.
    """

    name: str
    precision: str
    refused: tuple[str, ...]


class Worker:
    """The process and the way to ask it. For one thread only.

    Args:
        bundle: the verified bundle; the process gets these bytes, not the folder.
        spool: where the files of the jobs lie.
        options: the runtimes for the network.
        timeout_s: time for one job.
        memory_bytes: resident memory that the process may have; 0: no limit.
        exam: how headers are asked whether they belong to an exam of an ovary.

    Attributes:
        restarts: how often it was started again.
    """

    def __init__(
        self,
        bundle: Bundle,
        spool: Path,
        options: RuntimeOptions,
        timeout_s: float,
        memory_bytes: int = 0,
        exam: ExamOptions | None = None,
    ) -> None:
        self._arguments = (bundle, spool, options, timeout_s, exam or ExamOptions())
        self._timeout_s, self._memory_bytes = timeout_s, memory_bytes
        self.restarts = -1
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Runtime:
        """Start the process and wait until its model has reproduced the golden case.

        Returns:
            What it runs in.

        Raises:
            RunnerError: it has not; a new start would not help.
            BundleError: the bundle is damaged.
            WorkerLost: the process crashed.
        """
        self.stop()
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        self.restarts += 1
        theirs.close()  # else a dead worker's pipe would never end
        answer = self._answer(_START_TIMEOUT_S)
        if isinstance(answer, ScansideError):
            self.stop()
            raise answer
        assert isinstance(answer, Runtime)
        return answer

    def ask(self, job: Job) -> Inspection | Result:
        """The answer to one job: an Inspection or a Result.

        Raises:
            WorkerLost: the process crashed or took too long; it is gone, `start` makes a new one.
        """
        assert self._connection is not None
        try:
            self._connection.send(job)
        except OSError:
            raise self._lost(_CRASHED) from None
        answer: Inspection | Result = self._answer(self._timeout_s)
        return answer

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            WorkerLost: the process crashed or gave none in time; it is gone.
        """
        assert self._connection is not None
        try:
            self._connection.send(None)
        except OSError:
            raise self._lost(_CRASHED) from None
        self._answer(_PING_S)

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
        end = time.monotonic() + timeout_s
        try:
            while not self._connection.poll(min(_WATCH_S, max(0.0, end - time.monotonic()))):
                if self._memory_bytes and self.resident_bytes() > self._memory_bytes:
                    raise self._lost(f"needed more than {self._memory_bytes >> 20} MB of memory")
                if time.monotonic() >= end:
                    raise self._lost(f"gave no answer within {timeout_s:g} s")
            return self._connection.recv()
        except (EOFError, OSError):
            raise self._lost(_CRASHED) from None

    def resident_bytes(self) -> int:
        """The process's resident memory (Linux; elsewhere 0).

        Watched, not limited by the kernel: CUDA and TensorRT reserve far more addresses than they use.
        """
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _lost(self, how: str) -> WorkerLost:
        killed = False
        if how == _CRASHED and self._process is not None:
            self._process.join(_END_S)  # its pipe ends a moment before it does
            killed = self._process.exitcode == -signal.SIGKILL
        self.stop()
        return WorkerLost(f"the worker process {how}" + ": it was killed" * killed, killed)


def _work(
    connection: Connection,
    bundle: Bundle,
    spool: Path,
    options: RuntimeOptions,
    timeout_s: float,
    exam: ExamOptions,
) -> None:
    """The process: prove the model, then answer jobs until the parent is gone."""
    obey_parent_alone()
    log_to_stderr()
    from edge.scoring.inference import Inference, inspect

    try:
        inference = Inference(bundle, options, exam)
    except ScansideError as error:
        connection.send(error)
        return
    choice = inference.choice
    connection.send(Runtime(choice.runner.name, choice.precision, choice.refused))
    while True:
        try:
            job: Job | None = connection.recv()
        except EOFError:
            return
        if job is None:
            connection.send(None)
            continue
        # The kernel's own clock: a codec that hangs with the interpreter's lock outlives no parent.
        signal.alarm(int(timeout_s) + 5)
        path = spool / job.file
        if job.priority is Priority.INSPECT:
            inspection = inspect(path, exam)
            connection.send(replace(inspection, reason=_without_file(inspection.reason, path)))
        else:
            result = inference.assess(
                path,
                job.sop_instance_uid,
                job.study_instance_uid,
                job.frame,
                job.previous,
                may_reuse=not job.again,
            )
            row = replace(result.row, reason=_without_file(result.row.reason, path))
            connection.send(replace(result, row=row))
        signal.alarm(0)


def _without_file(reason: str | None, path: Path) -> str | None:
    """The reason without the file's name, which in the spool is a hash that nobody knows."""
    return reason and reason.replace(str(path), "the image").replace(path.name, "the image")
