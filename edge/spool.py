"""Where received instances lie: DATA/spool, one DICOM file each. This folder is the truth.

A file is named after the SHA-256 of its content, never after what a sender wrote in it. It never changes;
the same instance twice is the same file.
"""

import hashlib
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info

_SUFFIX, _PART = ".dcm", ".part"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spooled:
    """One instance in the spool; `file` is its name there, `received_at` as in a row."""

    file: str
    sop_instance_uid: str
    received_at: str


class Spool:
    """The spool in `folder`, which is made when missing; remains of broken-off writes are removed.

    Raises:
        OSError: the folder can't be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _sync_folder(folder.parent)
        for part in folder.glob(f"*{_PART}"):
            part.unlink()

    def keep(self, meta: FileMetaDataset, data: memoryview, received_at: str) -> Spooled:
        """Store one data set; when this returns, it outlasts a power cut.

        Args:
            meta: PS3.10 file meta information.
            data: the encoded data set, as it was received.

        Raises:
            OSError: it could not be made durable (disk full, read-only); nothing is left behind.
        """
        uid = str(meta.MediaStorageSOPInstanceUID)
        digest = hashlib.sha256(f"{uid}\0{meta.TransferSyntaxUID}\0".encode())
        digest.update(data)
        path = self.path(digest.hexdigest() + _SUFFIX)
        if not path.exists():
            self._write(path, meta, data, datetime.fromisoformat(received_at).timestamp())
        _sync_folder(self.folder)
        return Spooled(path.name, uid, received_at)

    def path(self, file: str) -> Path:
        return self.folder / file

    def files(self) -> set[str]:
        """Names of all instances."""
        return {path.name for path in self.folder.glob(f"*{_SUFFIX}")}

    def read(self, files: set[str]) -> Iterator[Spooled]:
        """What the files themselves say, in the order in which they were received."""
        for path in sorted(map(self.path, files), key=lambda path: path.stat().st_mtime_ns):
            try:
                uid = str(read_file_meta_info(path).MediaStorageSOPInstanceUID)
            except Exception as error:  # a damaged disk must not keep the agent from starting
                _log.error("spool: %s can't be read and is left alone: %s", path.name, error)
                continue
            received = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
            yield Spooled(path.name, uid, received.isoformat(timespec="microseconds"))

    def remove(self, file: str) -> None:
        self.path(file).unlink(missing_ok=True)

    def _write(self, path: Path, meta: FileMetaDataset, data: memoryview, received: float) -> None:
        part = self.folder / (uuid.uuid4().hex + _PART)
        try:
            with open(part, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
                stream.write(b"\0" * 128 + b"DICM")
                write_file_meta_info(stream, meta)  # type: ignore[arg-type]  # any binary file will do
                stream.write(data)
                stream.flush()
                os.utime(stream.fileno(), (received, received))
                os.fsync(stream.fileno())
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
