"""The stored bytes of one frame: found by seeking, or by its fragments where compressed (PS3.5 A.4)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset

from scanside.scan.decoding.header import PixelValue
from scanside.scan.decoding.layout import Layout

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


def check_native(value: PixelValue, layout: Layout, frames: int) -> None:
    """Refuse a header that claims more frames than there are bytes, or leaves at least a frame's bytes over.

    With bytes over, frames would be lost, or rows and columns are not those of the image.

    Raises:
        ValueError: it does, or its pixel data have no length.
    """
    if value.length is None:
        raise ValueError("has pixel data of undefined length, which this transfer syntax does not allow")
    size = _native_size(value, layout, frames)[0]
    needed = frames * size
    there = min(value.length, value.available())
    if there < needed:
        raise ValueError(
            f"claims {frames} frames of {layout.rows} x {layout.columns} px, {needed} bytes, "
            f"but holds {there}: it is truncated or its header is wrong"
        )
    if there - needed >= size:
        raise ValueError(
            f"claims {frames} frames of {layout.rows} x {layout.columns} px, {needed} bytes, "
            f"but holds {there}: its header is wrong"
        )


def _native_size(value: PixelValue, layout: Layout, frames: int) -> tuple[int, bool]:
    """Bytes of a frame, and whether its chroma is halved: some that say so hold it whole."""
    whole = layout.frame_bytes
    halved = layout.photometric == "YBR_FULL_422" and (value.length or 0) < frames * whole
    return (whole * 2 // 3 if halved else whole), halved


def find_fragments(value: PixelValue) -> tuple[tuple[int, ...], list[Fragment]]:
    """The Basic Offset Table, and every fragment after it; only the items' heads are read.

    Raises:
        ValueError: an item that reaches beyond the end, or something that is no item.
    """
    if value.length is not None:
        raise ValueError(
            "its pixel data are not encapsulated, though the transfer syntax is a compressed one"
        )
    end = value.start + value.available()
    fragments: list[Fragment] = []
    with value.open() as file:
        file.seek(value.start)
        table = _item(file, end)
        if table is None:
            raise ValueError("its pixel data are empty")
        offsets = struct.unpack(f"<{table.length // 4}L", file.read(table.length // 4 * 4))
        file.seek(table.start + table.length)
        while fragment := _item(file, end):
            fragments.append(fragment)
            if len(fragments) > _MAX_FRAGMENTS:
                raise ValueError(f"more than {_MAX_FRAGMENTS} fragments")
            file.seek(fragment.start + fragment.length)
    return offsets, fragments


def group_by_frame(
    offsets: Sequence[int], fragments: list[Fragment], frames: int, value: PixelValue, header: Dataset
) -> list[list[Fragment]]:
    """Which fragments belong to which frame.

    Mostly one each; else by the Extended or Basic Offset Table (PS3.3 C.7.6.3.1.8, PS3.5 A.4) where it fits,
    else by where a codestream begins.

    Raises:
        ValueError: fewer fragments than frames, or no telling.
    """
    if len(fragments) == frames:
        return [[fragment] for fragment in fragments]
    if len(fragments) < frames:
        raise ValueError(f"claims {frames} frames, but holds {len(fragments)}: it is truncated")
    if frames == 1:
        with value.open() as file:
            streams = sum(_begins(file, fragment) for fragment in fragments)
        if streams > 1:
            raise ValueError(f"claims one frame, but holds {streams}: its header is wrong")
        return [fragments]
    extended = header.get("ExtendedOffsetTable")
    if extended:
        offsets = struct.unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8])
    places = {fragment.start - fragments[0].start: number for number, fragment in enumerate(fragments)}
    if len(offsets) == frames and all(offset in places for offset in offsets):
        first = [places[offset] for offset in offsets]
    else:
        with value.open() as file:
            first = [number for number, fragment in enumerate(fragments) if _begins(file, fragment)]
    if len(first) != frames or first[0] != 0 or first != sorted(set(first)):
        raise ValueError(f"{len(fragments)} fragments can't be told apart into {frames} frames")
    return [fragments[a:b] for a, b in zip(first, [*first[1:], len(fragments)], strict=True)]


def read_fragments(value: PixelValue, fragments: Sequence[Fragment]) -> bytes:
    """The codestream of one frame."""
    with value.open() as file:
        parts = []
        for fragment in fragments:
            file.seek(fragment.start)
            parts.append(file.read(fragment.length))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _item(file: BinaryIO, end: int) -> Fragment | None:
    """The item at the file's position; None at the sequence's end, or the file's where it just ends there."""
    head = file.read(8)
    if not head:
        return None
    if len(head) < 8:
        raise ValueError("its pixel data end within an item: it is truncated")
    group, element, length = struct.unpack("<HHL", head)
    tag = group << 16 | element
    if tag == _END:
        return None
    if tag != _ITEM:
        raise ValueError(f"({group:04X},{element:04X}) among its fragments: it is damaged")
    start = file.tell()
    if length > end - start:
        raise ValueError(f"a fragment claims {length} bytes, but {end - start} are left: it is truncated")
    return Fragment(start, length)


def _begins(file: BinaryIO, fragment: Fragment) -> bool:
    file.seek(fragment.start)
    return file.read(4).startswith(_STARTS)
