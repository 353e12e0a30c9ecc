"""The header of a DICOM file from outside, read at a bounded cost, and where its pixel data lie.

An attribute that nobody needs is passed over where it is damaged or large; one that says what the pixels mean
has to be whole.
"""

import errno
import io
import warnings
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import pydicom
from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from scanside.dicom.elements import ITEM, PIXEL_DATA, PIXEL_TAGS, Element, Walk, name
from scanside.dicom.needed import (
    CHARACTER_SET,
    REGION_KEYWORDS,
    REGIONS,
    STRICT,
    is_needed,
    known_vr,
)
from scanside.dicom.undecodable import Truncated, Undecodable
from scanside.errors import Unreadable
from scanside.regular_file import open_regular

MAX_INFLATED_BYTES = 256 * 2**20  # a deflated object lies in memory whole
_MAX_READ_BYTES = 16 * 2**20  # of values that are read, not skipped
_MAX_ELEMENTS = 50_000  # an element costs far more memory than its bytes
_MAX_VALUE_BYTES = 64 * 1024  # a larger value is skipped
_MAX_NEEDED_BYTES = 2**20  # unless it is of these: a table, regions, a bitmap; a palette of 16 bit has 2**17
_MAX_IDENTITY_BYTES = 2**20  # inflated of an object of which only the first attributes are asked for


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


@dataclass(frozen=True)
class Header:
    """What a file says before its pixels.

    Attributes:
        attributes: the standard's attributes but large values; private ones are left out.
        pixels: where the pixel data lie; None where there are none.
        passed_over: tags of attributes that are damaged or stand where they should not, and are not needed.
    """

    attributes: FileDataset
    pixels: PixelValue | None
    passed_over: tuple[int, ...]


def read_header(path: Path) -> Header:
    """Read what the file at `path` says before its pixels.

    Raises:
        Unreadable: not a DICOM file, a damaged header, or one beyond all limits.
    """
    try:
        with _open(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Reader(path, file).read()
    except Undecodable as error:
        raise Unreadable(f"the header of {path.name} is damaged: {error}. {advice(error)}") from error
    except (Unreadable, MemoryError):
        raise
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EISDIR):
            raise Unreadable(f"{path} can't be read: it is not a file. Give a DICOM file.") from None
        raise Unreadable(f"{path} can't be read: {error.strerror or error}.") from error
    except Exception as error:  # what pydicom raises may cite values, and so name the patient
        raise Unreadable(f"the header of {path.name} is damaged. {advice(Undecodable())}") from error


def read_attributes(path: Path, keywords: Collection[str]) -> Dataset:
    """Read a few attributes of a file that may be damaged or no image: those that come before the damage.

    Those of the file meta information (group 0002) may be among them. It never raises an error of the file's
    making, and costs little: only the first MiB of a deflated object is inflated.
    """
    tags = {tag_for_keyword(keyword) for keyword in keywords}
    found = Dataset()
    try:
        with _open(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _Reader(path, file).read_some(frozenset(tag for tag in tags if tag), found)
    except MemoryError:
        raise
    except Exception:  # whatever it is, what was found before it stands
        pass
    return found


def syntax_of(header: FileDataset) -> UID | None:
    """The transfer syntax; None where the file does not say."""
    uid = header.file_meta.get("TransferSyntaxUID")
    return UID(uid, validation_mode=pydicom.config.IGNORE) if uid else None


def advice(error: Undecodable) -> str:
    """What helps against it, as a sentence."""
    if isinstance(error, Truncated):
        return "Send it again."
    return "Sending it again won't change that: export it in another way."


class _Reader:
    """One reading of one file."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._read_bytes = self._elements = 0
        self._passed_over: list[int] = []
        self._strays: list[Dataset | None] = []

    def read(self) -> Header:
        """Read all that anybody needs.

        Raises:
            Unreadable: it is no DICOM file.
            Undecodable: it is damaged.
        """
        meta, start = self._meta()
        source, start = self._body(meta, start, MAX_INFLATED_BYTES)
        if isinstance(source, bytes) and len(source) > MAX_INFLATED_BYTES:
            raise Undecodable(f"it inflates to more than {MAX_INFLATED_BYTES} bytes")
        implicit, little = _implicit(meta), _little(meta)
        header, pixels = FileDataset(str(self._path), {}, bytes(128), meta, implicit, little), None
        for element in self._walk.elements(start, implicit):
            if element.tag not in PIXEL_TAGS:
                self._take(element, header)
            elif element.tag == PIXEL_DATA:
                length = None if element.undefined else element.length
                pixels = PixelValue(source, element.start, length, not little and element.vr == "OW")
        if self._strays and None not in self._strays and REGIONS not in header:
            header.SequenceOfUltrasoundRegions = self._strays
        return Header(header, pixels, tuple(dict.fromkeys(self._passed_over)))

    def read_some(self, tags: frozenset[int], found: Dataset) -> None:
        """Put the attributes of `tags` into `found`, as they come.

        Raises:
            Unreadable: it is no DICOM file.
            Undecodable: it is damaged.
        """
        meta, start = self._meta()
        for tag in tags & set(meta.keys()):
            found[tag] = meta[tag]
        _, start = self._body(meta, start, _MAX_IDENTITY_BYTES)
        for element in self._walk.elements(start, _implicit(meta)):
            if element.tag > max(tags):
                return
            if element.tag in tags or element.tag == CHARACTER_SET:
                self._take(element, found)

    def _meta(self) -> tuple[FileMetaDataset, int]:
        """The file meta information (PS3.10 7.1), and where the data set begins."""
        if self._file.read(132)[128:] != b"DICM":
            raise Unreadable(f"{self._path.name} is not a DICOM file (no 'DICM' after the preamble).")
        meta, end = FileMetaDataset(), 132
        self._little, self._walk = True, Walk(self._file, self._path.stat().st_size)
        for element in self._walk.elements(132, False, group=2):
            self._take(element, meta)
            end = element.end
        return meta, end

    def _body(self, meta: FileMetaDataset, start: int, at_most_bytes: int) -> tuple[Path | bytes, int]:
        """Where the bytes of the data set lie, and at which offset they begin; the walk goes on there."""
        self._little = _little(meta)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            self._walk = Walk(self._file, self._path.stat().st_size, self._little)
            return self._path, start
        self._file.seek(start)
        inflated = _inflate(self._file, at_most_bytes)
        self._file = io.BytesIO(inflated)
        self._walk = Walk(self._file, len(inflated))
        return inflated, 0

    def _take(self, element: Element, header: Dataset) -> None:
        """Put an element into `header` if anybody may need it and it can be read.

        Raises:
            Undecodable: it can't be read, and without it the pixels mean nothing.
        """
        if element.tag == ITEM:
            self._take_stray(element)
            return
        tag, strict = Tag(element.tag), element.tag in STRICT
        if strict and tag in header:
            raise Undecodable(f"its attribute {name(tag)} is there twice, and says what the pixels mean")
        if strict and not element.clear:
            raise Undecodable(
                f"its attribute {name(tag)} says what the pixels mean, in a value representation nobody knows"
            )
        if not element.clear:
            self._passed_over.append(element.tag)
        known = known_vr(tag)
        if known is None or (element.undefined and "SQ" not in (known, element.vr)):
            return
        if element.length > (_MAX_NEEDED_BYTES if is_needed(tag) else _MAX_VALUE_BYTES):
            if strict:
                raise Undecodable(
                    f"its attribute {name(tag)} has {element.length} bytes: no image needs that"
                )
            if element.tag == REGIONS:
                self._mark_regions(header)
            return
        try:
            self._parse(element, header)
        except Undecodable as error:
            if strict or isinstance(error, _TooMuch):
                raise
            self._passed_over.append(element.tag)
            if element.tag == REGIONS:
                self._mark_regions(header)

    def _parse(self, element: Element, header: Dataset) -> None:
        """Read a value and parse it, and all that is in it.

        pydicom parses on first access; a damaged value has to be found here and not where it is used.

        Raises:
            Undecodable: it is damaged, or values go beyond all limits.
        """
        raw = self._raw(element)
        if "SQ" in (element.vr, known_vr(raw.tag)):
            self._walk.check_items(element)
        header[raw.tag] = raw
        try:
            parsed = header[raw.tag]
            if parsed.VR == "SQ":
                for item in parsed.value:
                    self._parse_item(item)
            if raw.tag == CHARACTER_SET:
                header.set_original_encoding(element.implicit, self._little, convert_encodings(parsed.value))
        except (MemoryError, _TooMuch):
            raise
        except Exception as error:  # pydicom raises whatever it likes on hostile bytes
            del header[raw.tag]
            raise Undecodable(f"its attribute {name(raw.tag)} is damaged") from error

    def _raw(self, element: Element) -> RawDataElement:
        self._count(1)
        self._read_bytes += element.length
        if self._read_bytes > _MAX_READ_BYTES:
            raise _TooMuch(f"its attributes hold more than {_MAX_READ_BYTES} bytes: no header does")
        self._file.seek(element.start)
        value = self._file.read(element.length)
        vr = element.vr
        return RawDataElement(
            Tag(element.tag),
            vr,
            len(value),
            value or cast(bytes | None, empty_value_for_VR(vr, raw=True)),
            element.start,
            element.implicit,
            self._little,
        )

    def _parse_item(self, item: Dataset) -> None:
        """Parse what is in an item; what of it is damaged is left out."""
        self._count(1)
        for tag in list(item.keys()):
            self._count(1)
            try:
                parsed = item[tag]
                if parsed.VR == "SQ":
                    for inner in parsed.value:
                        self._parse_item(inner)
            except (MemoryError, _TooMuch):
                raise
            except Exception:
                del item[tag]
                self._passed_over.append(tag)

    def _take_stray(self, element: Element) -> None:
        """Keep an item that stands outside of any sequence, if it is one of an ultrasound region.

        Some machines leave out the head of the Sequence of Ultrasound Regions, and write its items.
        """
        self._passed_over.append(ITEM)
        item = None
        if element.length <= _MAX_VALUE_BYTES:
            around = Element(REGIONS, "SQ", element.start - 8, element.end, implicit=element.implicit)
            scratch = Dataset()
            try:
                self._parse(around, scratch)
                item = scratch.SequenceOfUltrasoundRegions[0]
            except _TooMuch:
                raise
            except Undecodable:
                item = None
        self._strays.append(item if item and all(word in item for word in REGION_KEYWORDS) else None)

    def _mark_regions(self, header: Dataset) -> None:
        """Regions that can't be read are not the same as none: `declared` says so of what is no sequence."""
        header[REGIONS] = DataElement(REGIONS, "OB", b"\0")

    def _count(self, elements: int) -> None:
        self._elements += elements
        if self._elements > _MAX_ELEMENTS:
            raise _TooMuch(f"it has more than {_MAX_ELEMENTS} attributes: it is larger than any header")


class _TooMuch(Undecodable):
    """More than any header holds: it ends the reading, whatever it is that is too much."""


def _open(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise Unreadable(f"{path} does not exist. Check the path.") from None
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.EISDIR):
            raise Unreadable(f"{path} can't be read: it is not a file. Give a DICOM file.") from None
        raise Unreadable(f"{path} can't be read: {error.strerror or error}.") from error


def _inflate(file: BinaryIO, at_most_bytes: int) -> bytes:
    """What a deflated data set holds, but one byte more than `at_most_bytes` at most."""
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        return inflater.decompress(file.read(at_most_bytes), at_most_bytes + 1)
    except zlib.error as error:
        raise Undecodable("what it deflates is damaged") from error


def _implicit(meta: FileMetaDataset) -> bool:
    # Whatever is not among these is explicit little endian (PS3.5 A.4), private syntaxes too.
    return bool(meta.get("TransferSyntaxUID") == ImplicitVRLittleEndian)


def _little(meta: FileMetaDataset) -> bool:
    return bool(meta.get("TransferSyntaxUID") != ExplicitVRBigEndian)
