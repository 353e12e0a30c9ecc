"""Files whose headers hold what no machine should write, or nobody needs: elements put in byte by byte."""

import struct
import zlib
from pathlib import Path

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, UltrasoundImageStorage

from tests.synth.dicom import save

BEFORE_PIXELS = b"\x28\x00\x02\x00US"  # Samples per Pixel in explicit VR little endian
UNDEFINED = 0xFFFFFFFF
ITEM_END, SEQUENCE_END = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def tag(group: int, element: int) -> bytes:
    return struct.pack("<HH", group, element)


def short(group: int, element: int, vr: str, value: bytes) -> bytes:
    """An element with a length of 2 bytes (PS3.5 table 7.1-2)."""
    return tag(group, element) + vr.encode("latin-1") + struct.pack("<H", len(value)) + value


def long(group: int, element: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """An element with a length of 4 bytes (PS3.5 table 7.1-1)."""
    stated = len(value) if length is None else length
    return tag(group, element) + vr.encode("latin-1") + struct.pack("<HL", 0, stated) + value


def item(value: bytes, undefined: bool = False) -> bytes:
    """An item of a sequence."""
    if undefined:
        return tag(0xFFFE, 0xE000) + struct.pack("<L", UNDEFINED) + value + ITEM_END
    return tag(0xFFFE, 0xE000) + struct.pack("<L", len(value)) + value


def sequence(group: int, element: int, items: bytes, undefined: bool = False, vr: str = "SQ") -> bytes:
    """A sequence of `items`."""
    if undefined:
        return long(group, element, vr, items + SEQUENCE_END, UNDEFINED)
    return long(group, element, vr, items)


def put_in(path: Path, element: bytes, before: bytes = BEFORE_PIXELS) -> Path:
    """Put bytes into the header of the file at `path`, before the element that begins with `before`."""
    content = path.read_bytes()
    place = content.index(before)
    path.write_bytes(content[:place] + element + content[place:])
    return path


def replace(path: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes that the file at `path` holds once in its header."""
    content = path.read_bytes()
    assert content[:4096].count(old) == 1
    path.write_bytes(content.replace(old, new, 1))
    return path


def deflated(path: Path, body: bytes) -> Path:
    """Write a deflated object whose data set is `body`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UltrasoundImageStorage, "1.2.3.4.5"
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = save(FileDataset("", {}, preamble=bytes(128), file_meta=meta), path).read_bytes()
    (group_length,) = struct.unpack("<L", head[140:144])
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    path.write_bytes(head[: 144 + group_length] + packer.compress(body) + packer.flush())
    return path
