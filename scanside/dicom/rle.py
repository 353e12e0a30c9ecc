"""RLE lossless (PS3.5 annex G): a byte plane after the other, each packed as runs."""

import struct

import numpy as np
from numpy.typing import NDArray

from scanside.dicom.layout import Layout
from scanside.dicom.undecodable import Undecodable

_HEADER_BYTES = 64
_MAX_EXPANSION = 64  # two bytes become 128 at most


def decode_rle(data: bytes, layout: Layout) -> NDArray[np.generic]:
    """Unpack one frame.

    Returns:
        (H, W) or (H, W, 3), of the layout's dtype.

    Raises:
        Undecodable: too few or too many segments, or one of another size than the frame's.
    """
    pixels, width = layout.rows * layout.columns, layout.bits_allocated // 8
    planes = layout.samples * width
    if len(data) < _HEADER_BYTES:
        raise Undecodable("its RLE header is cut short")
    count, *offsets = struct.unpack("<16L", data[:_HEADER_BYTES])
    if count != planes:
        raise Undecodable(f"{count} RLE segments for {planes} byte planes")
    if pixels > _MAX_EXPANSION * len(data):
        raise Undecodable(f"{len(data)} bytes of RLE can't hold {pixels} pixels: it is truncated")
    bounds = [*offsets[:count], len(data)]
    unpacked = np.empty((layout.samples, width, pixels), np.uint8)
    for plane in range(planes):
        segment = data[bounds[plane] : bounds[plane + 1]]
        # Most significant byte first (G.2); numpy has the least significant one first.
        target = unpacked[plane // width, width - 1 - plane % width]
        target[:] = np.frombuffer(_unpack(segment, pixels), np.uint8)
    values = np.ascontiguousarray(unpacked.transpose(2, 0, 1)).view("<u2" if width == 2 else np.uint8)
    return np.asarray(values.reshape(layout.shape), layout.dtype)


def _unpack(segment: bytes, size: int) -> bytes:
    """PackBits (G.3.1), stopped at `size`."""
    parts, done, position, end = [], 0, 0, len(segment)
    while done < size and position < end:
        head = segment[position]
        if head < 128:
            part = segment[position + 1 : position + 2 + head]
            position += head + 2
        elif head > 128:
            part = segment[position + 1 : position + 2] * (257 - head)
            position += 2
        else:
            position += 1
            continue
        parts.append(part)
        done += len(part)
    if done < size:
        raise Undecodable(f"an RLE segment unpacks to {done} bytes of {size}: it is truncated")
    return b"".join(parts)[:size]
