"""The stored bytes of one frame: found by seeking, or by its fragments where compressed (PS3.5 A.4)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset

from scanside.dicom.header import PixelValue
from scanside.dicom.layout import HALVED, MAX_FRAMES, Layout
from scanside.dicom.undecodable import Truncated, Undecodable

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_MAX_FRAGMENTS = 500_000
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")  # SOI of JPEG and JPEG-LS, SOC of JPEG 2000


@dataclass(frozen=True)
class Fragment:
    """One item of encapsulated pixel data: offset of its value in the source, and bytes."""

    start: int
    length: int


def read_native(value: PixelValue, layout: Layout, frames: int, index: int) -> tuple[bytes, bool]:
    """One frame's bytes, and whether its chroma is halved (YBR_FULL_422, PS3.3 C.7.6.3.1.2)."""
    size, halved = _native_size(value, layout, frames)
    first = index * size
    in_pairs = value.words and layout.bits_allocated == 8
    even = first % 2 if in_pairs else 0  # a frame may begin within a pair
    with value.open() as file:
        file.seek(value.start + first - even)
        data = file.read(size + even + (size + even) % 2 if in_pairs else size)
    if in_pairs:
        data = np.frombuffer(data, np.uint16).byteswap().tobytes()[even : even + size]
    return data, halved


def count_native(value: PixelValue, layout: Layout, stated: int | None, multi_frame: bool) -> int:
    """Count the frames of pixel data that are not compressed.

    What a header states has to be what there is: 6 frames of 480 rows are 5 of 576, and nothing tells which.

    Args:
        stated: number of frames that the header states, if it does.
        multi_frame: whether the class of the instance is one of several frames.

    Raises:
        Truncated: the file ends within them.
        Undecodable: more or fewer bytes than the header accounts for, or a layout that can't be.
    """
    if value.length is None:
        raise Undecodable("its pixel data have no length, which this transfer syntax does not allow")
    if value.length > value.available():
        raise Truncated(
            f"its pixel data claim {value.length} bytes, but {value.available()} are left: it is truncated"
        )
    frames = stated or 1
    size, halved = _native_size(value, layout, frames)
    if stated is None and multi_frame and layout.photometric not in HALVED:
        frames = max(1, value.length // size)
    if halved and layout.columns % 2:
        raise Undecodable(
            f"{layout.photometric} of {layout.columns} columns: two pixels share their chroma, so that the "
            "standard wants an even number (PS3.3 C.7.6.3.1) and does not say where a row ends otherwise"
        )
    if halved and layout.planar:
        raise Undecodable(f"{layout.photometric} in planes, which the standard does not allow")
    needed = frames * size
    spare = size if stated or frames == 1 else 2  # pad bytes; where nobody counted, one to be even
    if not 0 <= value.length - needed < spare or frames > MAX_FRAMES:
        raise Undecodable(
            f"its header says {_frames(frames)} of {layout.rows} x {layout.columns} px, {needed} bytes, but "
            f"it holds {value.length}: its header is wrong"
        )
    return frames


def _native_size(value: PixelValue, layout: Layout, frames: int) -> tuple[int, bool]:
    """Bytes of a frame, and whether its chroma is halved: some that say so hold it whole."""
    whole = layout.frame_bytes
    halved = layout.photometric in HALVED and (value.length or 0) < frames * whole
    return (whole * 2 // 3 if halved else whole), halved


@dataclass(frozen=True)
class Fragments:
    """Encapsulated pixel data.

    Attributes:
        offsets: the Basic Offset Table.
        fragments: what follows it.
        ended: whether the delimiter that ends them is there.
    """

    offsets: tuple[int, ...]
    fragments: list[Fragment]
    ended: bool


def find_fragments(value: PixelValue) -> Fragments:
    """Find every fragment; only the items' heads are read.

    Raises:
        Truncated: an item reaches beyond the end.
        Undecodable: something is no item, or there are none.
    """
    if value.length is not None:
        raise Undecodable(
            "its pixel data are not encapsulated, though the transfer syntax is a compressed one"
        )
    end = value.start + value.available()
    fragments: list[Fragment] = []
    with value.open() as file:
        file.seek(value.start)
        table, ended = _item(file, end)
        if table is None:
            raise Undecodable("its pixel data are empty")
        offsets = struct.unpack(f"<{table.length // 4}L", file.read(table.length // 4 * 4))
        file.seek(table.start + table.length)
        while True:
            fragment, ended = _item(file, end)
            if fragment is None:
                break
            fragments.append(fragment)
            if len(fragments) > _MAX_FRAGMENTS:
                raise Undecodable(f"more than {_MAX_FRAGMENTS} fragments")
            file.seek(fragment.start + fragment.length)
    if not fragments:
        raise Undecodable("its pixel data are empty")
    return Fragments(offsets, fragments, ended)


def group_by_frame(
    found: Fragments, stated: int | None, value: PixelValue, header: Dataset
) -> list[list[Fragment]]:
    """Tell which fragments belong to which frame, and so how many frames are stored.

    Mostly one each; else by the Extended or Basic Offset Table (PS3.3 C.7.6.3.1.8, PS3.5 A.4) where it fits
    what the header states, else by where a codestream begins.

    Args:
        stated: number of frames that the header states, if it does.

    Raises:
        Truncated: fewer frames than stated, and no end.
        Undecodable: no telling, or more frames than any instance has.
    """
    fragments = found.fragments
    if len(fragments) == stated:
        return [[fragment] for fragment in fragments]
    first = _by_table(found, stated, header) or _by_streams(fragments, value)
    if not first:  # RLE: its frames are one fragment each (PS3.5 A.4.2), or one in several against the rule
        first = [0] if stated == 1 else list(range(len(fragments)))
    if first[0] != 0 or len(first) > MAX_FRAMES:
        raise Undecodable(f"its {len(fragments)} fragments can't be told apart into frames")
    if stated is not None and len(first) < stated and not found.ended:
        raise Truncated(f"its header says {_frames(stated)}, but it holds {len(first)}: it is truncated")
    return [fragments[a:b] for a, b in zip(first, [*first[1:], len(fragments)], strict=True)]


def _by_table(found: Fragments, stated: int | None, header: Dataset) -> list[int] | None:
    """The first fragment of each frame as an offset table says; None where there is none that fits."""
    offsets: Sequence[int] = found.offsets
    extended = header.get("ExtendedOffsetTable")
    if isinstance(extended, bytes) and extended:
        offsets = struct.unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8])
    start = found.fragments[0].start
    places = {fragment.start - start: number for number, fragment in enumerate(found.fragments)}
    if len(offsets) != stated or any(offset not in places for offset in offsets):
        return None
    first = [places[offset] for offset in offsets]
    return first if first == sorted(set(first)) else None


def _by_streams(fragments: Sequence[Fragment], value: PixelValue) -> list[int]:
    """The fragments with which a codestream begins."""
    with value.open() as file:
        return [number for number, fragment in enumerate(fragments) if _begins(file, fragment)]


def read_fragments(value: PixelValue, fragments: Sequence[Fragment]) -> bytes:
    """The codestream of one frame."""
    with value.open() as file:
        parts = []
        for fragment in fragments:
            file.seek(fragment.start)
            parts.append(file.read(fragment.length))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _item(file: BinaryIO, end: int) -> tuple[Fragment | None, bool]:
    """The item at the file's position, and whether a delimiter stands there; neither where the file ends."""
    head = file.read(8)
    if not head:
        return None, False
    if len(head) < 8:
        raise Truncated("its pixel data end within an item: it is truncated")
    group, element, length = struct.unpack("<HHL", head)
    tag = group << 16 | element
    if tag == _END:
        return None, True
    if tag != _ITEM:
        raise Undecodable(f"({group:04X},{element:04X}) among its fragments: it is damaged")
    start = file.tell()
    if length > end - start:
        raise Truncated(f"a fragment claims {length} bytes, but {end - start} are left: it is truncated")
    return Fragment(start, length), False


def _begins(file: BinaryIO, fragment: Fragment) -> bool:
    file.seek(fragment.start)
    return file.read(4).startswith(_STARTS)


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
