"""One child process of the supervisor: started, watched, started again when it dies, asked to stop."""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import reduction
from multiprocessing.connection import Connection, wait
from typing import Any

from edge.processes.log import log_to_stderr
from edge.processes.usage import Usage
from scanside.errors import InputError, ScansideError

STARTING, UP = "starting", "up"
SILENT_S = 6.0  # a process that works is heard of every second
_IDLE_S, _SLOW_S = 2.0, 300.0  # of silence: without processor time, and with: a large purge may take that
_ANSWER_S = 0.5  # between two words of one that works
_START_S, _END_S = 60.0, 5.0
_FIRST_WAIT_S, _LONGEST_WAIT_S, _LONG_LIFE_S = 0.2, 30.0, 20.0
_log = logging.getLogger(__name__)


class Descriptor:
    """A file descriptor of which a child gets a copy of its own.

    Through a copy of the lock's, the data folder stays locked until the last of the processes has ended.
    """

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.number),)


def _received(copy: Any) -> Descriptor:
    return Descriptor(copy.detach())


@dataclass(frozen=True)
class Report:
    """What a child says of itself: that it works, or why it can't.

    Attributes:
        port: the receiver's TCP port.
        problem: empty when it works.
        exit_code: as of an error in scanside/errors.py.
        refused: how many connections and associations the receiver refused, by reason.
        contact: when it was last in contact with a sender, as in a row; empty before.
        ails: what does not work although the process does; empty when all does; None where nobody looked.
    """

    port: int = 0
    problem: str = ""
    exit_code: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    contact: str = ""
    ails: str | None = None


class Line:
    """The child's end of its line to the supervisor.

    Attributes:
        offered: the last that the supervisor sent besides asking to stop.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ails, self._answered_at = "", 0.0
        self.offered: Any = None

    def is_up(self, port: int = 0) -> None:
        self._connection.send(Report(port))

    def met(self, refused: Mapping[str, int], contact: str) -> None:
        """Whom the receiver refused, and when it last let somebody in."""
        self._connection.send(Report(refused=refused, contact=contact))

    def answers(self, ails: str = "") -> None:
        """Say that the process works; it is replaced when it says nothing for long.

        Args:
            ails: what does not work all the same, such as the disk.
        """
        now = time.monotonic()
        if ails != self._ails or now - self._answered_at > _ANSWER_S:
            self._ails, self._answered_at = ails, now
            self._connection.send(Report(ails=ails))

    def failed(self, error: ScansideError) -> None:
        self._connection.send(Report(problem=str(error), exit_code=error.exit_code))

    def stop_asked(self, timeout_s: float | None = None, *others: int) -> bool:
        """Sleep until the supervisor asks to stop, one of `others` can be read, or the time is over."""
        if self._connection not in wait([self._connection, *others], timeout_s):
            return False
        try:
            self.offered = self._connection.recv()
        except (EOFError, OSError):
            return True
        return self.offered is None


class Child:
    """A child and what became of it. For one thread only.

    Args:
        name: what people call it.
        run: a function of a module: `run(line, *args)` works until the line asks it to stop.
        args: what it gets, each time it is started.

    Attributes:
        state: "starting", "up", or what happened to it.
        restarts: how often it was started again.
        port: the last that it reported.
        refused: how many the receiver refused since it was started, by reason.
        ails: what does not work although it does, by its own account.
        refusal: set when it could not even start the first time, by its own account.
    """

    def __init__(self, name: str, run: Callable[..., None], *args: Any) -> None:
        self.name, self._run, self.args = name, run, args
        self.state, self.restarts, self.port = STARTING, -1, 0
        self.refusal: Report | None = None
        self.refused: Mapping[str, int] = {}
        self.contact = self.ails = ""
        self._process: multiprocessing.process.BaseProcess | None = None
        self._line: Connection | None = None
        self._was_up = self._is_up = False
        self._since = self._due = self._heard_at = 0.0
        self._watch: Usage | None = None
        self._wait_s = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None

    @property
    def sources(self) -> list[Any]:
        """What to wait for: its end, its line."""
        return [self._process.sentinel, self._line] if self._process and self._line else []

    @property
    def condition(self) -> str:
        """The state, or that it has not been heard of for a while, or what ails it."""
        if self.state == UP and self._process is not None:
            if self.silent_s > SILENT_S:
                return f"the {self.name} process has given no answer for {self.silent_s:.0f} s"
            return self.ails or UP
        return self.state

    @property
    def silent_s(self) -> float:
        """For how long it has said nothing since it came up."""
        return time.monotonic() - self._heard_at

    @property
    def is_seen_to(self) -> bool:
        """Whether it answers, or was started so recently that it may not do so yet."""
        now = time.monotonic()
        return now - self._since < _START_S or (self.state == UP and self.silent_s < SILENT_S)

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_child, args=(theirs, self.name, self._run, self.args))
        self._process.start()
        theirs.close()
        self._since = time.monotonic()
        self.restarts += 1
        self.refused, self._watch = {}, None

    def step(self, stopping: bool = False) -> float | None:
        """Hear what it says, notice its end, start it again when it is time.

        Returns:
            Seconds until it is to be started again, if it is down.
        """
        if self._line is not None:
            with contextlib.suppress(EOFError, OSError):
                while self._line.poll():
                    self._heard(self._line.recv())
        if self._process is not None and not self._process.is_alive():
            self._ended(stopping)
        elif self._process is not None and not stopping and self._is_up:
            self._replace_if_silent()
        if self._process is None and not stopping and self.refusal is None:
            left = self._due - time.monotonic()
            if left > 0:
                return left
            self.start()
        return None

    def offer(self, something: Any) -> None:
        """Send it what it finds as `Line.offered`."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.send(something)

    def ask_to_stop(self) -> None:
        self.offer(None)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join(_END_S)
            if not self._process.is_alive():  # else it waits for a disk that hangs
                self._close()

    def _replace_if_silent(self) -> None:
        """End it when it says nothing: soon where it does nothing either, later where it may only be slow."""
        assert self._process is not None
        if self.silent_s < SILENT_S:
            self._watch = None
            return
        usage = Usage.of(self.pid)
        if self._watch is None or usage.busy != self._watch.busy:
            self._watch = usage
        idle_s = usage.at - self._watch.at
        if (usage.known and idle_s > _IDLE_S) or self.silent_s > _SLOW_S:
            self.state = f"the {self.name} process gave no answer for {self.silent_s:.0f} s and is replaced"
            _log.error("%s", self.state)
            self._is_up = False
            self._process.kill()  # `step` sees its end: one that waits for a dead disk ends when that does

    def _heard(self, report: Report) -> None:
        self._heard_at = time.monotonic()
        if report.problem:
            self.state = report.problem
            if not self._was_up:
                self.refusal = report
            _log.error("%s: %s", self.name, report.problem)
            return
        self.state, self.port, self._was_up, self._is_up = UP, report.port or self.port, True, True
        self.ails = self.ails if report.ails is None else report.ails
        self.refused = report.refused or self.refused
        self.contact = report.contact or self.contact

    def _ended(self, stopping: bool) -> None:
        assert self._process is not None
        code = self._process.exitcode
        lived_s = time.monotonic() - self._since
        self._close()
        self._is_up = False
        if stopping:
            self.state = "ended"
            return
        self._wait_s = (
            0.0 if lived_s > _LONG_LIFE_S else min(_LONGEST_WAIT_S, 2 * self._wait_s or _FIRST_WAIT_S)
        )
        self._due = time.monotonic() + self._wait_s
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        if self.state in (STARTING, UP):
            self.state = f"the {self.name} process {how} and is started again"
        _log.error("the %s process %s; started again in %.1f s", self.name, how, self._wait_s)

    def _close(self) -> None:
        assert self._process is not None and self._line is not None
        self._process.join()
        self._process.close()
        self._line.close()
        self._process = self._line = None


def _child(connection: Connection, name: str, run: Callable[..., None], args: tuple[Any, ...]) -> None:
    """The child process. Signals are the supervisor's affair: a terminal and systemd tell all of them."""
    obey_parent_alone()
    log_to_stderr()
    line = Line(connection)
    code = 0
    try:
        run(line, *args)
    except ScansideError as error:
        line.failed(error)
        code = error.exit_code
    except Exception:
        _log.exception("the %s ended by a fault of the program", name)
        code = ScansideError.exit_code
    logging.shutdown()
    os._exit(code)  # at once: threads and a worker of its own must not keep a faulty process alive


def obey_parent_alone() -> None:
    """Ignore the signals that are the supervisor's affair; end at once when the parent is gone."""
    for interrupt in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(interrupt, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def refused(child: Child) -> ScansideError:
    """The error of a child that could not start, as if this process had met it."""
    assert child.refusal is not None
    kind = InputError if child.refusal.exit_code == InputError.exit_code else ScansideError
    return kind(child.refusal.problem)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
