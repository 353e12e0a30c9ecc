"""What a file of the spool says of itself in its first 128 bytes: when it came, and its slides' numbers.

PS3.10 7.1 leaves the preamble of a DICOM file to whoever writes it. Here it is five lines of ASCII in one
sector of the disk. So any copy takes them along, and one field is changed without touching another.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from edge.protocol.row import AT_MOST, DOUBTED

BYTES = 128
_HEAD = b"scanside spool 1\n"
_RECEIVED, _LAST, _SLIDES = len(_HEAD), len(_HEAD) + 33, len(_HEAD) + 66  # where each field begins
_TIME = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})"
_ZONE = "+00:00"
_MARKS = {None: _ZONE, DOUBTED: "?clock", AT_MOST: "<00:00"}  # in place of the zone of the first time
_CLOCKS = {mark: clock for clock, mark in _MARKS.items()}
_FORM = re.compile(
    _HEAD + _TIME + rb"(\+00:00|\?clock|<00:00)\n" + _TIME + rb"\+00:00\n"
    rb"(\d{6})\+(\d{4})\n([0-9a-f]{32})\n"
)  # fmt: skip
_NO_STUDY = "0" * 32


@dataclass(frozen=True)
class Slides:
    """The numbers of an instance's slides in its study.

    Attributes:
        first: that of the first frame that is scored, from 1; 0: none was given.
        count: how many follow one after the other, the first included.
        study: which study of which patient, as `study_key` gives it.
    """

    first: int = 0
    count: int = 0
    study: str = _NO_STUDY


@dataclass(frozen=True)
class Label:
    """The label of one file.

    Attributes:
        received_at: since when it counts; as in a row.
        last_at: when the same content came last: of two contents of one instance the later counts. While the
            clock is not trusted it runs on from the last, a microsecond apart.
        clock: as in a row.
    """

    received_at: str
    last_at: str
    slides: Slides = Slides()
    clock: str | None = None


def study_key(study: str, patient: str) -> str:
    """Names a study of a patient, and says nothing of either."""
    return hashlib.sha256(f"{study}\0{patient}".encode()).hexdigest()[: len(_NO_STUDY)]


def encode(label: Label) -> bytes:
    """The 128 bytes."""
    received = _encode_received(label.received_at, label.clock)
    return _HEAD + received + f"{label.last_at}\n".encode() + _encode_slides(label.slides)


def read_label(path: Path) -> Label | None:
    """The label of the file at `path`; None where it has none, as a file that somebody put there.

    Raises:
        OSError: it can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # to open a pipe would be to wait for its writer
    try:
        found = _FORM.fullmatch(os.read(descriptor, BYTES))
    finally:
        os.close(descriptor)
    if found is None:
        return None
    received, mark, last, first, count, study = (part.decode() for part in found.groups())
    slides = Slides(int(first), int(count), study)
    return Label(received + _ZONE, last + _ZONE, slides, _CLOCKS[mark])


def write_received(path: Path, at: str, clock: str | None) -> None:
    """Say since when the file counts, by which clock (as in a row); nothing happens where it has no label.

    Raises:
        OSError: it is gone, or can't be written.
    """
    _write(path, _RECEIVED, _encode_received(at, clock))


def write_last(path: Path, at: str) -> None:
    """Say that the same content came again; when this returns, it outlasts a power cut.

    Raises:
        OSError: it is gone, or can't be written.
    """
    _write(path, _LAST, f"{at}\n".encode(), durable=True)


def write_slides(path: Path, slides: Slides) -> None:
    """Say the numbers of its slides.

    Raises:
        OSError: it is gone, or can't be written.
    """
    _write(path, _SLIDES, _encode_slides(slides))


def _encode_received(at: str, clock: str | None) -> bytes:
    return f"{at.removesuffix(_ZONE)}{_MARKS[clock]}\n".encode()


def _encode_slides(slides: Slides) -> bytes:
    return f"{slides.first:06}+{slides.count:04}\n{slides.study}\n".encode()


def _write(path: Path, at: int, field: bytes, durable: bool = False) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        if _FORM.fullmatch(os.pread(descriptor, BYTES, 0)):
            os.pwrite(descriptor, field, at)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
