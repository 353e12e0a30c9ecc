"""DATA/journal.jsonl: what people entered, one entry per line, only appended. It is truth like the spool."""

import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from edge.entries.entry import Entry, entry_of
from edge.storage.aside import sync_folder
from scanside.errors import SettingError

NAME = "journal.jsonl"


class Journal:
    """The journal in the folder `data`, for whoever holds its lock. Safe to use from several threads.

    Attributes:
        faults: lines that can't be read, as found by the last `read`: cut off by a power cut, or altered.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / NAME
        self._lock = threading.Lock()
        self._part.unlink(missing_ok=True)
        self.faults: list[str] = []
        self._unreadable: list[bytes] = []

    def append(self, entry: Entry) -> None:
        """Keep `entry`; when this returns, it outlasts a power cut.

        Raises:
            OSError: it could not be kept; nothing of it is left.
        """
        line = json.dumps(asdict(entry)).encode() + b"\n"
        with self._lock:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                length = os.fstat(descriptor).st_size
                if length and os.pread(descriptor, 1, length - 1) != b"\n":
                    line = b"\n" + line  # the line before was cut off
                try:
                    if os.write(descriptor, line) != len(line):
                        raise OSError("the disk is full")
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, length)
                    raise
            finally:
                os.close(descriptor)
            if is_new:
                sync_folder(self.path.parent)

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
            OSError: it can't be written; all is as it was.
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
