"""The header of a DICOM file from outside, read at a bounded cost, and where its pixel data lie."""

import io
import stat
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from scanside.errors import Unreadable

MAX_INFLATED_BYTES = 256 * 2**20  # a deflated object lies in memory whole
_MAX_HEADER_BYTES = 64 * 2**20  # read, not skipped; private attributes hold what machines like
_MAX_ELEMENTS = 50_000  # an element costs far more memory than its bytes
_MAX_VALUE_BYTES = 2**20  # of a sequence or a table; a palette of 16 bit has 2**17
_LARGE_VALUE_BYTES = 64 * 1024  # values above this (private blobs) stay on disk
_PIXEL_DATA = 0x7FE00010
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, _PIXEL_DATA)  # also float and double: no ultrasound image
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True)
class PixelValue:
    """Where the value of Pixel Data lies.

    Attributes:
        source: the file; or the bytes of the data set, where they were deflated.
        start: offset of its first byte.
        length: bytes that the header claims; None where it is encapsulated (PS3.5 A.4).
        words: whether it is made of big endian words (OW): then 8 bit values lie in pairs, the second one
            first (PS3.5 7.3).
    """

    source: Path | bytes
    start: int
    length: int | None
    words: bool = False

    def open(self) -> BinaryIO:
        return self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source)

    def available(self) -> int:
        """Bytes from `start` to the end."""
        whole = self.source.stat().st_size if isinstance(self.source, Path) else len(self.source)
        return whole - self.start


def read_header(path: Path) -> tuple[FileDataset, PixelValue | None]:
    """Every attribute of the file at `path` but large values and Pixel Data.

    Raises:
        Unreadable: not a DICOM file, a damaged header, or one beyond all limits.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe is to wait for its writer
            raise Unreadable(f"{path} can't be read: it is not a file. Give a DICOM file.")
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            return _read(path, file)
    except InvalidDicomError:
        raise Unreadable(f"{path.name} is not a DICOM file (no 'DICM' after the preamble).") from None
    except Unreadable:
        raise
    except FileNotFoundError:
        raise Unreadable(f"{path} does not exist. Check the path.") from None
    except OSError as error:
        raise Unreadable(f"{path} can't be read: {error.strerror or error}.") from error
    except MemoryError:
        raise
    except Exception as error:  # pydicom raises whatever it likes on hostile bytes
        reason = " ".join(str(error).split())
        raise Unreadable(f"the header of {path.name} is damaged: {reason}. Send it again.") from error


def syntax_of(header: FileDataset) -> UID | None:
    """The transfer syntax; None where the file does not say."""
    uid = header.file_meta.get("TransferSyntaxUID")
    return UID(uid, validation_mode=pydicom.config.IGNORE) if uid else None


def _read(path: Path, file: BinaryIO) -> tuple[FileDataset, PixelValue | None]:
    metered = cast(BinaryIO, _Metered(file))
    preamble = read_preamble(metered, force=False)
    meta = FileMetaDataset(read_dataset(metered, False, True, stop_when=lambda tag, *_: tag >> 16 != 2))
    uid = meta.get("TransferSyntaxUID")
    # Whatever is not among these is explicit little endian (PS3.5 A.4), private syntaxes too.
    implicit, little = uid == pydicom.uid.ImplicitVRLittleEndian, uid != pydicom.uid.ExplicitVRBigEndian
    source: Path | bytes = path
    if uid == DeflatedExplicitVRLittleEndian:
        source = _inflate(file)
        metered = cast(BinaryIO, _Metered(io.BytesIO(source)))
    place: list[tuple[int, int, int, str | None]] = []

    def at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in _PIXEL_TAGS:
            place.append((tag, metered.tell(), length, vr))
        return tag in _PIXEL_TAGS

    defer = None if isinstance(source, bytes) else _LARGE_VALUE_BYTES  # it can only be left in the file
    dataset = read_dataset(metered, implicit, little, stop_when=at_pixels, defer_size=defer)
    header = FileDataset(str(path), dataset, preamble, meta, implicit, little)
    for number, _ in enumerate(_parsed(header)):
        if number > _MAX_ELEMENTS:
            raise ValueError(f"more than {_MAX_ELEMENTS} attributes")
    if not place or place[0][0] != _PIXEL_DATA:
        return header, None
    _, start, length, vr = place[0]
    length_said = None if length == _UNDEFINED_LENGTH else length
    return header, PixelValue(source, start, length_said, words=not little and vr == "OW")


def _inflate(file: BinaryIO) -> bytes:
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(), MAX_INFLATED_BYTES + 1)
    if len(inflated) > MAX_INFLATED_BYTES:
        raise ValueError(f"it inflates to more than {MAX_INFLATED_BYTES} bytes")
    return inflated


def _parsed(dataset: Dataset) -> Iterator[object]:
    """Parse every value now, so that a damaged one is found here and not where it is used.

    pydicom parses on first access. Private elements, and values left on disk, stay as they are.
    """
    for tag in list(dataset.keys()):
        yield tag
        raw = cast(RawDataElement, dataset.get_item(tag, keep_deferred=True))
        if tag.is_private:
            continue
        if raw.is_raw and raw.value is None and raw.length > 0:  # on disk
            is_sequence = (raw.VR or _known_vr(tag)) == "SQ"
            if raw.length > _MAX_VALUE_BYTES:
                if is_sequence:
                    raise ValueError(f"a sequence of {raw.length} bytes")
                del dataset[tag]  # it would be allocated where somebody asks for it
            if not is_sequence:
                continue
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                yield item
                yield from _parsed(item)


def _known_vr(tag: BaseTag) -> str | None:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return None


class _Metered:
    """A file that may be read only so often and so much: what pydicom builds of it is bounded too."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes = self._reads = 0
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        self._reads += 1
        self._bytes += size
        if self._reads > 4 * _MAX_ELEMENTS or self._bytes > _MAX_HEADER_BYTES:
            raise ValueError("it is larger than any header")
        return self._file.read(size)
