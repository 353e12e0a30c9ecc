"""DATA/audit/DAY.jsonl: the audit trail, one message per line, chained so that a change shows.

Each line carries the SHA-256 of the line before it (`previous`), across days too. Lines are only ever
appended; several processes do so, one at a time. What a chain can't show is that its end was cut off:
`edge audit verify` prints the last hash, and a syslog server has the messages as well.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.protocol.row import now
from edge.trail.message import Message, trail_damaged

FOLDER, SUFFIX = "audit", ".jsonl"
BEGINNING = "0" * 64  # what stands for the line before the first
CUT_OFF = "no message; it was cut off or altered"  # how a fault ends, of a line that says nothing
_LOST, _LOST_BYTES = "lost", 20  # a file with the number of messages that could not be written
_TAIL_BYTES = 1 << 16  # more than any line
_log = logging.getLogger(__name__)


class AuditLog:
    """The trail in the data folder `data`, open for appending by the agent called `agent`.

    A message that can't be written (disk full, read-only) is counted, and the log says so: an agent that
    stopped for it would lose images. The count is that of all processes and outlasts them; once something can
    be written again it stands in the trail.
    """

    def __init__(self, data: Path, agent: str) -> None:
        self._folder, self.agent = data / FOLDER, agent
        self._thread = threading.Lock()
        self._uncounted = 0
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with _locked(self._folder):
                self._count(0)  # while there is room for it

    @property
    def lost(self) -> int:
        """How many messages of all processes could not be written, until the trail says so."""
        with contextlib.suppress(OSError, ValueError):
            return int((self._folder / _LOST).read_bytes() or 0) + self._uncounted
        return self._uncounted

    def record(self, message: Message) -> None:
        """Append a message, or count it as lost."""
        try:
            self.require(message, durable=False)
        except OSError as error:
            with self._thread:
                self._miss()
            event = message["EventIdentification"]["EventID"]["originalText"]
            _log.error("not in the audit trail: %s (%s)", event, error)

    def require(self, message: Message, *, durable: bool = True) -> None:
        """Append a message.

        Args:
            durable: when this returns, it outlasts a power cut.

        Raises:
            OSError: it could not be written.
        """
        with self._thread:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with _locked(self._folder):
                if lost := self.lost:
                    self._append(trail_damaged(self.agent, f"{lost} messages could not be written"), durable)
                    self._uncounted = 0
                    self._count(-lost)
                self._append(message, durable)

    def _miss(self) -> None:
        self._uncounted += 1
        with contextlib.suppress(OSError), _locked(self._folder):
            self._count(self._uncounted)
            self._uncounted = 0

    def _count(self, more: int) -> None:
        """Add to the count of lost messages; the file keeps its size, so a full disk takes it."""
        descriptor = os.open(self._folder / _LOST, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            count = int(os.read(descriptor, _LOST_BYTES) or 0) + more
            os.pwrite(descriptor, f"{max(0, count):0{_LOST_BYTES}}".encode(), 0)
        finally:
            os.close(descriptor)

    def _append(self, message: Message, durable: bool) -> None:
        days = files(self._folder)
        # After the last day even where the clock was set back: the chain follows the files' names.
        path = max([self._folder / f"{now()[:10]}{SUFFIX}", *days[-1:]])
        last = _last_line(days[-1]) if days else b""
        previous = hashlib.sha256(last).hexdigest() if last else BEGINNING
        lines = [message]
        if last and not last.endswith(b"\n"):
            lines.insert(0, trail_damaged(self.agent, f"the last line of {days[-1].name} is cut off"))
        text = b""
        if len(lines) > 1:
            text, previous = b"\n", hashlib.sha256(last + b"\n").hexdigest()
        for one in lines:
            line = json.dumps({"previous": previous, **one}).encode() + b"\n"
            text, previous = text + line, hashlib.sha256(line).hexdigest()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _write_whole(descriptor, text)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True)
class Verified:
    """What a look at the whole trail found.

    Attributes:
        messages: how many there are.
        last: the SHA-256 of the last line.
        faults: what is wrong, each with its place; none when the chain holds.
    """

    messages: int
    last: str
    faults: list[str]


def verify(data: Path) -> Verified:
    """Follow the chain from the first line to the last.

    Raises:
        OSError: a file can't be read.
    """
    previous, count, faults = BEGINNING, 0, []
    for path in files(data / FOLDER):
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                where = f"{path.name}, line {number}"
                message = parse(line)
                if message is None:
                    faults.append(f"{where}: {CUT_OFF}")
                else:
                    count += 1
                    if message.get("previous") != previous:
                        faults.append(f"{where}: does not follow the line before it")
                previous = hashlib.sha256(line).hexdigest()
    return Verified(count, previous, faults)


def parse(line: bytes) -> dict[str, Any] | None:
    """One line of the trail; None when it is none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and line.endswith(b"\n") else None


def files(folder: Path) -> list[Path]:
    """The days, the first one first."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _write_whole(descriptor: int, text: bytes) -> None:
    """Append all of `text` or nothing: the first part of a line would break the chain.

    Raises:
        OSError: it could not be written, and is not there.
    """
    before, written = os.fstat(descriptor).st_size, 0
    try:
        while written < len(text):
            written += os.write(descriptor, text[written:])
    except OSError:
        os.ftruncate(descriptor, before)
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _last_line(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = stream.read().splitlines(keepends=True)
    return lines[-1] if lines else b""
