"""The elements of a data set (PS3.5 7), found by their heads: a value that nobody needs is never read.

A value of known length is skipped by its length. One of undefined length is walked from item to item, so that
its end is found; how many heads are looked at, and how deep they may lie, is limited.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from scanside.dicom.undecodable import Truncated, Undecodable

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, PIXEL_DATA})  # float and double too: no ultrasound image
UNDEFINED = 0xFFFFFFFF
MAX_HEADS = 400_000  # a header has hundreds
MAX_DEPTH = 32
# PS3.5 table 7.1-1 and 7.1-2: lengths of 4 and of 2 bytes.
_LONG = frozenset(
    vr.encode() for vr in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
)
_SHORT = frozenset(
    vr.encode()
    for vr in "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Element:
    """One element, its value still unread.

    Attributes:
        tag: group and element number; ITEM for an item that stands outside of any sequence.
        vr: value representation; None where the head has none (implicit VR), or one that is not known.
        start: offset of the value.
        end: offset after it; of an undefined length that after its delimiter. `start` for Pixel Data of
            undefined length, whose fragments nobody has walked yet.
        undefined: whether its length is undefined.
        implicit: whether its content is in implicit VR.
        clear: whether head and place are as the standard wants them.
    """

    tag: int
    vr: str | None
    start: int
    end: int
    undefined: bool = False
    implicit: bool = False
    clear: bool = True

    @property
    def length(self) -> int:
        """Bytes of the value, delimiters of an undefined length among them."""
        return self.end - self.start


@dataclass(frozen=True)
class _Head:
    tag: int
    vr: str | None
    start: int
    length: int
    implicit: bool
    clear: bool = True


class Walk:
    """A walk over the elements of one file, forward only.

    Args:
        file: where they lie.
        size: bytes in it.
        little: whether it is little endian.
    """

    def __init__(self, file: BinaryIO, size: int, little: bool = True) -> None:
        self._file, self._size, self._order = file, size, "<" if little else ">"
        self._heads = 0

    def elements(self, start: int, implicit: bool, group: int | None = None) -> Iterator[Element]:
        """The elements of the data set at `start`, up to Pixel Data, or to the end.

        Args:
            implicit: whether it is in implicit VR, as its transfer syntax says; machines err.
            group: end before the first element of another group.

        Raises:
            Truncated: an element reaches beyond the end.
            Undecodable: an element whose end can't be found, or more elements than any header has.
        """
        position = start
        implicit = self._is_implicit(position, implicit)
        while position + 8 <= self._size:
            if group is not None and self._tag_at(position) >> 16 != group:
                return
            head = self._head(position, self._size, implicit)
            if head.tag in PIXEL_TAGS:
                length = head.length
                end = head.start if length == UNDEFINED else head.start + length
                yield Element(head.tag, head.vr, head.start, end, length == UNDEFINED, head.implicit)
                return
            element = self._bounded(head, self._size, 0)
            yield element
            position = element.end

    def check_items(self, element: Element) -> None:
        """Make sure that the value of a sequence is made of items; those of undefined length are not entered.

        Raises:
            Undecodable: it holds something else.
        """
        position = element.start
        while position < element.end:
            tag, length = self._item(position, element.end, element.tag)
            if tag == SEQUENCE_END or (tag == ITEM and length == UNDEFINED):
                return
            if tag != ITEM or position + 8 + length > element.end:
                raise Undecodable(f"its attribute {name(element.tag)} is no sequence of items")
            position += 8 + length

    def _bounded(self, head: _Head, limit: int, depth: int) -> Element:
        """The element with its end, which is never beyond `limit`."""
        if head.tag in (ITEM_END, SEQUENCE_END):  # a delimiter of nothing
            return Element(head.tag, None, head.start, head.start, clear=False)
        implicit = head.implicit or head.vr == "UN"  # PS3.5 6.2.2, note 2
        undefined = head.length == UNDEFINED
        if not undefined:
            end = head.start + head.length
        elif head.tag == ITEM:
            end = self._end_of_item(head.start, limit, implicit, depth)
        else:
            end = self._end_of_sequence(head, limit, implicit, depth)
        if end > limit:
            raise Truncated(
                f"its attribute {name(head.tag)} claims {head.length} bytes, but {limit - head.start} are "
                "left: it is truncated, or that length is wrong"
            )
        return Element(
            head.tag, head.vr, head.start, end, undefined, implicit, head.clear and head.tag != ITEM
        )

    def _end_of_sequence(self, head: _Head, limit: int, implicit: bool, depth: int) -> int:
        """The offset after the delimiter of items or fragments (PS3.5 7.5, A.4)."""
        position = head.start
        while True:
            tag, length = self._item(position, limit, head.tag)
            position += 8
            if tag == SEQUENCE_END:
                return position
            if tag != ITEM:
                raise Undecodable(f"its attribute {name(head.tag)} has {name(tag)} where an item should be")
            if length == UNDEFINED:
                position = self._end_of_item(position, limit, implicit, depth)
            else:
                position += length
            if position > limit:
                raise Truncated(f"an item of its attribute {name(head.tag)} reaches beyond the end")

    def _end_of_item(self, position: int, limit: int, implicit: bool, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise Undecodable(f"its sequences lie more than {MAX_DEPTH} deep: no header does that")
        implicit = self._is_implicit(position, implicit)
        while position + 8 <= limit:
            head = self._head(position, limit, implicit)
            if head.tag == ITEM_END:
                return head.start
            position = self._bounded(head, limit, depth + 1).end
        raise Truncated("an item of its header has no end")

    def _item(self, position: int, limit: int, tag: int) -> tuple[int, int]:
        head = self._read(position, 8)
        if len(head) < 8 or position + 8 > limit:
            raise Truncated(f"its attribute {name(tag)} has no end")
        group, element, length = struct.unpack(f"{self._order}HHL", head)
        return group << 16 | element, length

    def _head(self, position: int, limit: int, implicit: bool) -> _Head:
        """The head at `position` (PS3.5 7.1.2, 7.1.3)."""
        head = self._read(position, 12)
        if len(head) < 8:
            raise Truncated("it ends within an attribute")
        group, element, length = struct.unpack(f"{self._order}HHL", head[:8])
        tag, vr = group << 16 | element, head[4:6]
        if implicit or tag in (ITEM, ITEM_END, SEQUENCE_END):
            return _Head(tag, None, position + 8, length, implicit)
        if vr in _SHORT:
            return _Head(tag, vr.decode(), position + 8, self._short(head), False)
        if vr in _LONG and len(head) == 12:
            return _Head(tag, vr.decode(), position + 12, self._long(head), False)
        return self._head_of_unknown_vr(position, limit, head, tag)

    def _head_of_unknown_vr(self, position: int, limit: int, head: bytes, tag: int) -> _Head:
        """Of the forms that a head may have, that after which another element begins.

        Future representations have lengths of 4 bytes (PS3.5 6.2); what is no pair of letters may have been
        written by a machine that knows no better, or in implicit VR.
        """
        short = _Head(tag, None, position + 8, self._short(head), False, clear=False)
        without = _Head(
            tag, None, position + 8, struct.unpack(f"{self._order}L", head[4:8])[0], True, clear=False
        )
        forms = [short, without]
        if head[4:6].isalpha() and head[6:8] == b"\0\0" and len(head) == 12:
            forms = [_Head(tag, None, position + 12, self._long(head), False, clear=False), short]
        for form in forms:
            if form.length != UNDEFINED and self._goes_on(form.start + form.length, limit, tag):
                return form
        raise Undecodable(
            f"its attribute {name(tag)} has a value representation that is not known, and no end that can be "
            "found: another program has to correct it"
        )

    def _goes_on(self, position: int, limit: int, tag: int) -> bool:
        """Whether a later element in explicit VR begins at `position`, or the item or file ends."""
        if position == limit:
            return True
        head = self._read(position, 8)
        if len(head) < 8 or position + 8 > limit:
            return False
        group, element = struct.unpack(f"{self._order}HH", head[:4])
        after = group << 16 | element
        return after in (ITEM_END, SEQUENCE_END) or (after > tag and head[4:6] in _SHORT | _LONG)

    def _is_implicit(self, position: int, implicit: bool) -> bool:
        """Whether a data set or an item is in implicit VR: its first element shows it, whatever was said."""
        head = self._read(position, 12)
        if len(head) < 8:
            return implicit
        vr = head[4:6]
        if implicit:
            return not (vr in _SHORT or (vr in _LONG and head[6:8] == b"\0\0"))
        (group, element, length) = struct.unpack(f"{self._order}HHL", head[:8])
        tag = group << 16 | element
        if tag in (ITEM, ITEM_END, SEQUENCE_END) or vr in _SHORT | _LONG or vr.isalpha():
            return False
        return length == UNDEFINED or not self._goes_on(position + 8 + self._short(head), self._size, tag)

    def _short(self, head: bytes) -> int:
        return int(struct.unpack(f"{self._order}H", head[6:8])[0])

    def _long(self, head: bytes) -> int:
        return int(struct.unpack(f"{self._order}L", head[8:12])[0])

    def _tag_at(self, position: int) -> int:
        head = self._read(position, 4)
        if len(head) < 4:
            raise Truncated("it ends within an attribute")
        group, element = struct.unpack(f"{self._order}HH", head)
        return int(group << 16 | element)

    def _read(self, position: int, size: int) -> bytes:
        self._heads += 1
        if self._heads > MAX_HEADS:
            raise Undecodable(f"it has more than {MAX_HEADS} attributes: it is larger than any header")
        self._file.seek(position)
        return self._file.read(size)


def name(tag: int) -> str:
    """A tag as people write it: (gggg,eeee)."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
