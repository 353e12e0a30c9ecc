"""Where received instances lie: DATA/spool, one DICOM file each. This folder is the truth.

A file is named after the SHA-256 of its content, never after what a sender wrote in it. It never changes, but
for its label (edge/storage/label.py); the same instance twice is the same file. What is still arriving lies
in `incoming` inside the spool: on the same file system, so that a rename moves it. What no longer counts is
put aside, into two more folders: versions that another content replaced, and instances in quarantine.
"""

import contextlib
import errno
import hashlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info

from edge.durable import sync_folder
from edge.protocol.row import DOUBTED
from edge.storage.aside import Aside
from edge.storage.label import BYTES, Label, encode, read_label, write_last
from edge.storage.room import Room
from edge.trail.message import Origin

_SUFFIX, _PART, _INCOMING = ".dcm", ".part", "incoming"
_MIN_FREE_FILES = 1000  # for the index and the rest of the machine: tiny instances use up these first
_NEVER = "1970-01-01T00:00:00.000000+00:00"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spooled:
    """One instance in the spool; `file` is its name there, `received_at` as in a row.

    Attributes:
        receive_ms: from its first byte to the folder's sync; None when it was found, not received.
        size_bytes: of the file; None where nobody looked.
        source: the scanner that sent it: its AE title and its address.
        scanner: its name in the settings; empty where they know none.
        receipt: what its jobs and results name; 0 before it is in the index.
        again: it has had a result, and is to be scored again.
        clock: as in a row.
    """

    file: str
    sop_instance_uid: str
    received_at: str
    receive_ms: float | None = None
    size_bytes: int | None = None
    source: str = ""
    scanner: str = ""
    receipt: int = 0
    again: bool = False
    clock: str | None = None


class Arrival:
    """A data set that is being written; made by `Spool.begin`.

    Attributes:
        path: the unfinished file.
        sop_instance_uid: as its sender said.
        source: the scanner that sends it, as in `Spooled`.
        size_bytes: of the file, once it is synced.
    """

    def __init__(self, spool: "Spool", path: Path, meta: FileMetaDataset) -> None:
        self._spool, self.path = spool, path
        self.began, self.size_bytes = time.monotonic(), 0
        self.sop_instance_uid = str(meta.MediaStorageSOPInstanceUID)
        self.source = _origin(meta).source
        self._hash = hashlib.sha256(f"{self.sop_instance_uid}\0{meta.TransferSyntaxUID}\0".encode())
        self._stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        try:
            self._stream.write(bytes(BYTES) + b"DICM")
            write_file_meta_info(self._stream, meta)  # type: ignore[arg-type]  # any binary file will do
        except BaseException:
            self.discard()
            raise

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append a part of the encoded data set, as it was received.

        Raises:
            OSError: the disk is full, or nearly so.
        """
        problem = self._spool.nearly_full()
        if problem:
            raise OSError(errno.ENOSPC, problem)
        self._hash.update(data)
        self._stream.write(data)

    def sync(self, label: Label) -> str:
        """Bring all to the disk; the name that the content gives.

        Args:
            label: says when it had arrived; the file's own time says so too, for people.

        Raises:
            OSError: the disk did not take it.
        """
        self._stream.flush()
        self.size_bytes = self._stream.tell()
        os.pwrite(self._stream.fileno(), encode(label), 0)
        received = datetime.fromisoformat(label.received_at).timestamp()
        os.utime(self._stream.fileno(), (received, received))
        os.fsync(self._stream.fileno())
        self._stream.close()
        return self._hash.hexdigest() + _SUFFIX

    def discard(self) -> None:
        """Remove it; what a failing disk does not let go is removed at the next start."""
        with contextlib.suppress(OSError):  # what is left in its buffer may find no room
            self._stream.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


class Spool:
    """The spool in `folder`, which is made when missing.

    Args:
        folder: where it lies.
        min_free_bytes: room to leave on its disk, for the index and the rest of the machine.
        name_of: the name of the scanner that a file found here came from.

    Attributes:
        replaced: versions of instances that came again with other content.
        quarantine: instances that took the worker down too often.

    Raises:
        OSError: the folder can't be made or read.
    """

    def __init__(
        self, folder: Path, min_free_bytes: int = 0, name_of: Callable[[Origin], str] = lambda _: ""
    ) -> None:
        self.folder, self._min_free_bytes, self._name_of = folder, min_free_bytes, name_of
        self._incoming = folder / _INCOMING
        for made in (folder, self._incoming):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.chmod(0o700)
            sync_folder(made.parent)
        self.replaced, self.quarantine = Aside(folder, "replaced"), Aside(folder, "quarantine")
        self._is = folder.stat()
        self._keeping = threading.Lock()
        self._latest = self._latest_doubted = ""  # times of receipt

    def names(self, name_of: Callable[[Origin], str]) -> None:
        """Name the scanners of files that are found from now on by `name_of`."""
        self._name_of = name_of

    def sweep(self) -> None:
        """Remove what broken-off arrivals left behind; for the receiver, before it receives."""
        for part in (*self.folder.glob(f"*{_PART}"), *self._incoming.glob(f"*{_PART}")):
            part.unlink()
        times = [self._label(path).last_at for path in self.folder.glob(f"*{_SUFFIX}")]
        self._latest = max(times, default="")

    @property
    def latest(self) -> str:
        """The last time of receipt of a clock that was trusted, as in a row; empty before the first."""
        return self._latest

    def nearly_full(self) -> str | None:
        """Why nothing more may be written, if so."""
        return self.room().problem

    def _moved(self) -> str | None:
        """Why the folder is not the one that this began with, if so: another agent may have that name now."""
        try:
            same = os.path.samestat(self.folder.stat(), self._is)
        except FileNotFoundError:
            same = False
        return None if same else "the data folder was moved or replaced; start the agent again"

    def room(self) -> Room:
        limit, problem = self._min_free_bytes, None
        try:
            if moved := self._moved():
                return Room(None, limit, moved)
            disk = os.statvfs(self.folder)
        except OSError as error:
            return Room(None, limit, f"the spool can't be reached: {error.strerror}")
        free = disk.f_bavail * disk.f_frsize
        if disk.f_flag & os.ST_RDONLY:
            problem = "the disk is read-only; see the system's log, then mount it for writing"
        elif disk.f_files and disk.f_favail < _MIN_FREE_FILES:  # some file systems do not count them
            problem = f"the disk is nearly full: it has room for {disk.f_favail} files more"
        elif free < limit:
            problem = f"the disk is nearly full: {free >> 20} MB free, min_free_mb is {limit >> 20}"
        return Room(free, limit, problem)

    def try_disk(self) -> None:
        """Write a byte beside what arrives, and sync it.

        Raises:
            OSError: the disk does not take it.
        """
        path = self._incoming / f"check{_PART}"
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(number, b"\0")
            os.fsync(number)
        finally:
            os.close(number)

    def begin(self, meta: FileMetaDataset) -> Arrival:
        """A file for one data set, which starts with its PS3.10 file meta information.

        Raises:
            OSError: it can't be made.
        """
        return Arrival(self, self._incoming / (uuid.uuid4().hex + _PART), meta)

    def keep(self, arrival: Arrival, received_at: str, *, doubted: bool = False) -> Spooled:
        """Store what arrived; when this returns, it outlasts a power cut.

        Times of receipt never go back, even where the clock does: by them the newest image is found. A time
        of a clock that is not trusted is marked, and those that follow do not run on from it.

        Raises:
            OSError: it could not be made durable (disk full, read-only); nothing is left behind.
        """
        with self._keeping:
            self._latest = _after(self._latest, self._latest or _NEVER if doubted else received_at)
            if doubted:
                received_at = self._latest_doubted = _after(self._latest_doubted, received_at)
            else:
                received_at = self._latest
            label = Label(received_at, self._latest, clock=DOUBTED if doubted else None)
        try:
            path = self.path(arrival.sync(label))
            if problem := self._moved():
                raise OSError(errno.ESTALE, problem)
            try:
                write_last(path, label.last_at)
                arrival.discard()
            except FileNotFoundError:
                arrival.path.rename(path)
        except BaseException:
            arrival.discard()
            raise
        sync_folder(self.folder)
        took_ms = round(1e3 * (time.monotonic() - arrival.began), 1)
        uid, source = arrival.sop_instance_uid, arrival.source
        return Spooled(path.name, uid, received_at, took_ms, arrival.size_bytes, source, clock=label.clock)

    def path(self, file: str) -> Path:
        return self.folder / file

    def files(self) -> set[str]:
        """Names of all instances."""
        return {path.name for path in self.folder.glob(f"*{_SUFFIX}")}

    def read(self, files: set[str]) -> Iterator[Spooled]:
        """What the files themselves say, in the order in which they were received."""
        labels = {}
        for path in map(self.path, files):
            with contextlib.suppress(FileNotFoundError):  # purged or put aside meanwhile
                labels[path] = self._label(path)
        for path in sorted(labels, key=lambda path: labels[path].last_at):
            try:
                meta = read_file_meta_info(path)
                uid, origin = str(meta.MediaStorageSOPInstanceUID), _origin(meta)
            except Exception as error:  # a damaged disk must not keep the agent from starting
                _log.error("spool: %s can't be read and is left alone: %s", path.name, error)
                continue
            scanner, label = self._name_of(origin), labels[path]
            yield Spooled(
                path.name,
                uid,
                label.received_at,
                source=origin.source,
                scanner=scanner,
                clock=label.clock,
            )

    def label(self, file: str) -> Label | None:
        """What a file says of itself, wherever in the spool it lies; None where it does not."""
        for path in (self.path(file), self.replaced.path(file), self.quarantine.path(file)):
            with contextlib.suppress(OSError):
                return read_label(path)
        return None

    def _label(self, path: Path) -> Label:
        """The label of a file; where it has none, one by the time of its last change.

        Raises:
            FileNotFoundError: it is gone.
        """
        try:
            label = read_label(path)
        except FileNotFoundError:
            raise
        except OSError:  # a damaged disk; who reads it meets that again
            label = None
        if label is None:
            changed = _iso(path.stat().st_mtime)
            return Label(changed, changed)
        return label

    def origin(self, file: str) -> Origin:
        """Who sent it, and what it is, as its file meta information says."""
        try:
            return _origin(read_file_meta_info(self.path(file)))
        except Exception:  # a damaged disk; or purged meanwhile
            return Origin()

    def remove(self, file: str) -> None:
        self.path(file).unlink(missing_ok=True)


def _origin(meta: FileMetaDataset) -> Origin:
    address = str(meta.get("SourcePresentationAddress", ""))
    return Origin(
        calling=str(meta.get("SourceApplicationEntityTitle", "")),
        called=str(meta.get("ReceivingApplicationEntityTitle", "")),
        address=address.removeprefix("dicom://").rpartition(":")[0].strip("[]"),
        sop_class=str(meta.get("MediaStorageSOPClassUID", "")),
    )


def _after(last: str, at: str) -> str:
    """`at`, or a microsecond after `last` where that is later."""
    if at > last:
        return at
    return (datetime.fromisoformat(last) + timedelta(microseconds=1)).isoformat(timespec="microseconds")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds")
