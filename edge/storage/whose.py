"""Whose a file of the spool is by its own header, also where no index says so or where it is damaged."""

import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from edge.identity import identity, text
from scanside.dicom.header import read_attributes

_KEYWORDS = (
    "SpecificCharacterSet",
    "StudyDate",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "StudyInstanceUID",
)
_SEARCHED_BYTES = 4 << 20  # of a damaged file: its header lies before its pixels
_LONGEST_VALUE = 1024
_LONG_VRS = (b"UN", b"UT", b"UC", b"UR", b"OB")  # with a length of four bytes (PS3.5 7.1.2)


@dataclass(frozen=True)
class Whose:
    """What a file says of its patient and study; empty where it does not.

    Attributes:
        is_sure: whether all that stands before the pixels was read: what is empty is not in it.
    """

    patient_id: str = ""
    issuer: str = ""
    name: str = ""
    birth_date: str = ""
    study: str = ""
    study_date: str = ""
    is_sure: bool = True


def whose(path: Path) -> Whose:
    """Read the header at `path`; where that ends early, search its bytes. It never raises.

    A file that is gone belongs to nobody, surely.
    """
    header = read_attributes(path, _KEYWORDS)
    if "PatientID" in header and "StudyInstanceUID" in header:
        return _said(header, is_sure=True)
    if not path.exists():
        return Whose()
    if not path.is_file():  # to open a pipe is to wait for its writer
        return Whose(is_sure=False)
    found = _searched(path)
    if "StudyInstanceUID" in header and "PatientID" not in found:  # it stands behind: there is no ID at all
        return _said(header, is_sure=True)
    return _said(found, is_sure=False)


def person(name: str) -> str:
    """A name for comparison: family and given name (PS3.5 6.2.1.1), whatever the letters' case."""
    components = name.partition("=")[0].split("^")[:2]
    return re.sub(r"\s+", " ", "^".join(part.strip() for part in components)).strip("^ ").casefold()


def _said(header: Dataset, is_sure: bool) -> Whose:
    patient = identity(header).patient
    return Whose(
        patient.id,
        patient.issuer,
        patient.name,
        text(header, "PatientBirthDate"),
        text(header, "StudyInstanceUID"),
        text(header, "StudyDate"),
        is_sure,
    )


def _searched(path: Path) -> Dataset:
    """The attributes that can be found in the bytes of a damaged file, wherever they stand."""
    found = Dataset()
    try:
        with path.open("rb") as file:
            data = file.read(_SEARCHED_BYTES)
    except OSError:  # a damaged disk
        return found
    for content in (data, _inflated(data)):
        for keyword in _KEYWORDS:
            tag = Tag(tag_for_keyword(keyword) or 0)
            if tag not in found and (value := _value(content, tag)) is not None:
                found[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), value, 0, False, True)
    return found


def _value(data: bytes, tag: pydicom.tag.BaseTag) -> bytes | None:
    """The first value under `tag` that has a sensible length, in any of the encodings of PS3.5 7.1."""
    for order in ("little", "big"):
        mark = tag.group.to_bytes(2, order) + tag.element.to_bytes(2, order)
        at = data.find(mark)
        while at >= 0:
            vr, start = data[at + 4 : at + 6], at + 8
            if vr.isalpha() and vr.isupper():
                length = int.from_bytes(data[at + 6 : at + 8], order)
                if vr in _LONG_VRS:
                    start, length = at + 12, int.from_bytes(data[at + 8 : at + 12], order)
            else:
                length = int.from_bytes(data[at + 4 : at + 8], order)
            if length <= min(_LONGEST_VALUE, len(data) - start):
                return data[start : start + length]
            at = data.find(mark, at + 1)
    return None


def _inflated(data: bytes) -> bytes:
    """What follows the file meta information, where that is deflated (PS3.5 A.5), as far as it goes."""
    if data[128:132] != b"DICM":
        return b""
    start = 144 + int.from_bytes(data[140:144], "little")
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], _SEARCHED_BYTES)
    except zlib.error:
        return b""
