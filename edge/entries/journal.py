"""DATA/journal.jsonl: what people entered, one entry per line, only appended. It is truth like the spool."""

import contextlib
import errno
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from edge.durable import sync_folder
from edge.entries.entry import Entry, entry_of
from scanside.errors import SettingError

NAME = "journal.jsonl"


class InDoubt(OSError):
    """An entry could neither be kept nor taken back: nobody can say whether it outlasts a restart."""


class Journal:
    """The journal in the folder `data`, for whoever holds its lock. Safe to use from several threads.

    The file stays open: an entry needs no new descriptor, and no error as it is closed decides about one.

    Attributes:
        faults: lines that can't be read, as found by the last `read`: cut off by a power cut, or altered.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self._lock = threading.Lock()
        self._part.unlink(missing_ok=True)
        self.faults: list[str] = []
        self._unreadable: list[bytes] = []
        self._descriptor: int | None = None
        self._doubtful_from: int | None = None  # offset of what could not be taken back

    def append(self, entry: Entry) -> None:
        """Keep `entry`; when this returns, it outlasts a power cut.

        Raises:
            InDoubt: it may be kept or not.
            OSError: it could not be kept; nothing of it is left.
        """
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with self._lock:
            descriptor = self._open()
            if self._doubtful_from is not None:
                self._take_back(descriptor, self._doubtful_from)
            length = os.fstat(descriptor).st_size
            if length and os.pread(descriptor, 1, length - 1) != b"\n":
                line = b"\n" + line  # the line before was cut off
            try:
                if os.write(descriptor, line) != len(line):
                    raise OSError(errno.ENOSPC, "the disk is full")
                os.fsync(descriptor)
            except OSError:
                self._take_back(descriptor, length)
                raise

    def _take_back(self, descriptor: int, length: int) -> None:
        """Cut the file to `length` again.

        Raises:
            InDoubt: it can't be done.
        """
        self._doubtful_from = length
        try:
            os.ftruncate(descriptor, length)
            os.fsync(descriptor)
        except OSError as error:
            raise InDoubt(error.errno, error.strerror) from error
        self._doubtful_from = None

    def _open(self) -> int:
        """The file, made when missing; its name is on the disk before anything stands in it.

        Raises:
            OSError: it can't be made or opened.
        """
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.fstat(self._descriptor), self.path.stat()):
                    return self._descriptor
        self._close()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            sync_folder(self.path.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise
        self._descriptor = descriptor
        return descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # what was kept was synced before
                os.close(self._descriptor)
        self._descriptor = self._doubtful_from = None

    def __del__(self) -> None:
        self._close()

    def read(self) -> list[Entry]:
        """All entries, the first made first; what can't be read is left out and named in `faults`.

        Raises:
            OSError: the file can't be read.
        """
        with self._lock:
            return self._read()

    def remove(self, which: Callable[[Entry], bool], *, unreadable: bool = False) -> int:
        """Take entries out, in one step; how many lines went.

        Args:
            unreadable: lines that nobody can read go with them.

        Raises:
            OSError: it can't be written; either all is as it was, or they are gone.
        """
        with self._lock:
            entries = self._read()
            kept = [entry for entry in entries if not which(entry)]
            gone = len(entries) - len(kept) + len(self.faults) * unreadable
            if not gone:
                return 0
            lines = [json.dumps(asdict(entry)).encode() + b"\n" for entry in kept]
            lines += [] if unreadable else [line + b"\n" for line in self._unreadable]
            descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.writelines(lines)
                stream.flush()
                os.fsync(stream.fileno())
            self._part.replace(self.path)
            self._close()
            sync_folder(self.path.parent)
            self._read()
            return gone

    @property
    def _part(self) -> Path:
        return self.path.with_suffix(".part")

    def _read(self) -> list[Entry]:
        self.faults, self._unreadable, entries = [], [], []
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        for number, line in enumerate(lines, 1):
            try:
                entries.append(entry_of(json.loads(line)))
            except (ValueError, SettingError, RecursionError):  # its text may name a patient: not for the log
                self._unreadable.append(line)
                self.faults.append(f"{NAME}, line {number}: no entry; it was cut off or altered")
        return entries
