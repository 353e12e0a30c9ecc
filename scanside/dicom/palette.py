"""Lookup tables of a header: palette colours, modality and VOI tables (PS3.3 C.7.6.3.1.5, C.11.1, C.11.2)."""

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.dicom.undecodable import Undecodable

_MAX_ENTRIES = 65536
_DISCRETE, _LINEAR, _INDIRECT = range(3)


def palette(header: Dataset, values: NDArray[np.int64], big_endian: bool) -> NDArray[np.uint8]:
    """The colours that a palette gives to stored values.

    Args:
        values: (N,) stored values.

    Returns:
        (N, 3) uint8.

    Raises:
        Undecodable: a table is missing or of another size than its descriptor says.
    """
    columns = []
    for colour in ("Red", "Green", "Blue"):
        descriptor = header.get(f"{colour}PaletteColorLookupTableDescriptor")
        count, first, bits = read_descriptor(descriptor)
        plain = header.get(f"{colour}PaletteColorLookupTableData")
        segmented = header.get(f"Segmented{colour}PaletteColorLookupTableData")
        if plain:
            table = _entries(plain, count, bits, big_endian)
        elif segmented:
            table = _expand(_words(segmented, bits, big_endian), count)
        else:
            raise Undecodable(f"its {colour.lower()} palette is missing")
        column = table[np.clip(values - first, 0, count - 1)]
        # Some machines write 8 bit colours into tables that they declare as of 16 bit.
        columns.append(column >> (bits - 8) if table.max() > 255 else column)
    return np.stack(columns, axis=-1).astype(np.uint8)


def read_descriptor(descriptor: object) -> tuple[int, int, int]:
    """Entries, the first value that is mapped, and bits an entry (PS3.3 C.7.6.3.1.5)."""
    try:
        count, first, bits = (int(number) for number in descriptor)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise Undecodable("a lookup table without descriptor") from None
    count &= 0xFFFF  # written as signed where pixels are
    if bits not in range(8, 17):
        raise Undecodable(f"a lookup table of {bits} bits")
    return count or _MAX_ENTRIES, first, bits


def read_table(item: Dataset, big_endian: bool) -> tuple[NDArray[np.int64], int, int]:
    """A modality or VOI LUT (C.11.1.1.1): its entries, the first value that is mapped, bits."""
    count, first, bits = read_descriptor(item.get("LUTDescriptor"))
    return _entries(item.get("LUTData"), count, bits, big_endian), first, bits


def _entries(data: object, count: int, bits: int, big_endian: bool) -> NDArray[np.int64]:
    """Entries as they lie: a word each, or a byte where the data are only so long."""
    if (
        isinstance(data, bytes)
        and len(data) in (count, count + count % 2)
        and (bits == 8 or len(data) < 2 * count)
    ):
        table = _words(data, 8, big_endian)
    else:
        table = _words(data, 16, big_endian)
    if len(table) < count:
        raise Undecodable(f"a lookup table claims {count} entries, but holds {len(table)}")
    return table[:count]


def _words(data: object, bits: int, big_endian: bool) -> NDArray[np.int64]:
    if isinstance(data, bytes):
        kind = "u1" if bits == 8 else ">u2" if big_endian else "<u2"
        whole = len(data) // np.dtype(kind).itemsize * np.dtype(kind).itemsize
        return np.frombuffer(data[:whole], kind).astype(np.int64)
    words = np.atleast_1d(np.asarray(data))
    if words.ndim != 1 or not np.issubdtype(words.dtype, np.integer):
        raise Undecodable("a lookup table that holds no numbers")
    return words.astype(np.int64) & 0xFFFF


def _expand(words: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Segments -> entries (PS3.3 C.7.9.2), never more than `count`.

    Raises:
        Undecodable: segments that give another number of entries, or of an unknown kind.
    """
    table: list[int] = []
    position, starts = 0, []
    while position < len(words) and len(table) < count:
        starts.append(position)
        position = _segment(words, position, table, count, starts)
    if len(table) != count:
        raise Undecodable(f"a segmented lookup table claims {count} entries, but gives {len(table)}")
    return np.asarray(table, np.int64)


def _segment(words: NDArray[np.int64], position: int, table: list[int], count: int, starts: list[int]) -> int:
    """Append the entries of the segment at `position`; where the next one begins."""
    kind, length = (int(word) for word in _slice(words, position, 2))
    if length == 0 or len(table) + (length if kind != _INDIRECT else 0) > count:
        raise Undecodable(f"a segmented lookup table of more than {count} entries, or with an empty segment")
    if kind == _DISCRETE:
        table += _slice(words, position + 2, length).tolist()
        return position + 2 + length
    if kind == _LINEAR:
        if not table:
            raise Undecodable("a segmented lookup table that begins with a line from nowhere")
        end = int(_slice(words, position + 2, 1)[0])
        table += np.rint(np.linspace(table[-1], end, length + 1)[1:]).astype(int).tolist()
        return position + 3
    if kind != _INDIRECT:
        raise Undecodable(f"a segmented lookup table with a segment of kind {kind}")
    low, high = (int(word) for word in _slice(words, position + 2, 2))
    target = low | high << 16  # a byte offset, to `length` segments before this one
    target //= 2
    for _ in range(length):
        if target not in starts[:-1] or words[target] == _INDIRECT:
            raise Undecodable("a segmented lookup table that points at no segment")
        target = _segment(words, target, table, count, starts)
    return position + 4


def _slice(words: NDArray[np.int64], start: int, length: int) -> NDArray[np.int64]:
    part = words[start : start + length]
    if len(part) < length:
        raise Undecodable("a segmented lookup table that ends within a segment")
    return part
