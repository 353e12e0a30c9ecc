"""JPEG XL (ISO/IEC 18181; PS3.5 8.2.16), by imagecodecs: the extra `jpegxl`."""

import struct
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID

from scanside.dicom.layout import Layout
from scanside.dicom.undecodable import Undecodable

# Lossless; a JPEG in another coat; lossy. pydicom 3.0 knows none of them.
JPEG_XL = frozenset(UID(f"1.2.840.10008.1.2.4.{end}") for end in (110, 111, 112))
_CONTAINER, _CODESTREAM = b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a", b"\xff\x0a"
_RATIOS = ((0, 0), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width : height
_SIZE_BITS = (9, 13, 18, 30)


def has_jpeg_xl() -> bool:
    """Whether the extra is installed."""
    return find_spec("imagecodecs") is not None


def decode_jpeg_xl(data: bytes, layout: Layout) -> NDArray[np.generic]:
    """One frame's codestream -> values (H, W) or (H, W, 3), RGB whatever the stream holds.

    Raises:
        Undecodable: it holds another image than the header says.
        Exception: whatever imagecodecs raises on a damaged stream.
    """
    rows, columns = read_size(data)  # before the codec allocates by it
    if (rows, columns) != (layout.rows, layout.columns):
        raise Undecodable(
            f"the header says {layout.rows} x {layout.columns} px, its codestream {rows} x {columns} px"
        )
    from imagecodecs import jpegxl_decode

    # An orientation in a DICOM object must not turn the image away from its regions.
    values: NDArray[np.generic] = jpegxl_decode(data, keeporientation=True, numthreads=1)
    if values.shape != layout.shape or values.dtype != layout.dtype:
        raise Undecodable(
            f"its JPEG XL decodes to {values.dtype} of shape {values.shape}, "
            f"the header says {layout.dtype} of shape {layout.shape}"
        )
    return values


def read_size(data: bytes) -> tuple[int, int]:
    """Rows and columns by the codestream's own header (ISO/IEC 18181-1, SizeHeader).

    Raises:
        Undecodable: there is none.
    """
    stream = _codestream(data)
    if not stream.startswith(_CODESTREAM) or len(stream) < 12:
        raise Undecodable("it is no JPEG XL")
    bits = _Bits(int.from_bytes(stream[2:16], "little"))
    is_small = bits.read(1)
    rows = bits.read_size(is_small)
    ratio = bits.read(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return rows, rows * across // down
    return rows, bits.read_size(is_small)


class _Bits:
    """Numbers from the least significant bit on."""

    def __init__(self, value: int) -> None:
        self._value = value

    def read(self, count: int) -> int:
        found = self._value & ((1 << count) - 1)
        self._value >>= count
        return found

    def read_size(self, is_small: int) -> int:
        return 8 * (self.read(5) + 1) if is_small else self.read(_SIZE_BITS[self.read(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """The codestream's beginning, which may lie in a container of boxes (ISO/IEC 18181-2)."""
    if not data.startswith(_CONTAINER):
        return data[:64]
    place = 0
    while place + 16 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        start = place + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        if kind == b"jxlc":
            return data[start : start + 64]
        if kind == b"jxlp":  # a part; its number comes first
            return data[start + 4 : start + 68]
        if length < start - place:  # 0: to the end of the file
            break
        place += length
    raise Undecodable("its JPEG XL has no codestream")
