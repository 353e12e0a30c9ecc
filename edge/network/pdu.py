"""What of a protocol data unit is checked before anything is built of it (PS3.8 9.3).

Counting items before objects are made of them costs nothing. Lengths are in bytes, without the header of 6.
"""

import struct

ASSOCIATE_RQ, ASSOCIATE_AC, P_DATA_TF, RELEASE_RQ, ABORT = 0x01, 0x02, 0x04, 0x05, 0x07
_TLS_HANDSHAKE = 0x16  # RFC 8446 5.1: the first byte of a client that speaks TLS
HEADER_BYTES = 6
# 128 contexts that offer every transfer syntax there is are 170 kB.
MAX_ASSOCIATE_BYTES = 1 << 18
# Real devices send somewhat more than was negotiated: they count without headers, or never look.
PDU_TOLERANCE_BYTES = 1 << 16
MAX_CONTEXTS = 128  # PS3.8 9.3.2.2: odd numbers of one byte
MAX_SYNTAXES = 64  # of one context; the standard has some 50
MAX_USER_ITEMS = 512  # one role, one extended and one common extended negotiation per context, and the rest
MAX_FRAGMENTS = 1024  # presentation data values in one P-DATA-TF; machines send one or two


class Violation(Exception):
    """A peer broke the protocol or a limit; the message says how."""


def allowed_bytes(kind: int, *, associated: bool, max_pdu_bytes: int) -> int:
    """The longest PDU of type `kind` that is read.

    Raises:
        Violation: this type has no place here.
    """
    if kind == ASSOCIATE_RQ:
        return MAX_ASSOCIATE_BYTES
    if kind == P_DATA_TF and associated:
        return max_pdu_bytes + PDU_TOLERANCE_BYTES
    if RELEASE_RQ <= kind <= ABORT:
        return 1024  # 4 by the standard
    if kind == _TLS_HANDSHAKE:
        raise Violation("it speaks TLS, but this port wants plain DICOM (setting tls_certificate)")
    raise Violation(f"a PDU of type 0x{kind:02X} that has no place here")


def items(data: memoryview, most: int = MAX_USER_ITEMS) -> list[tuple[int, memoryview]]:
    """Items of type (1), reserved (1), length (2) and value.

    Raises:
        Violation: more than `most`, or a length that leads out of `data`.
    """
    found = []
    while data:
        if len(data) < 4:
            raise Violation("an item that is cut off")
        kind, length = struct.unpack_from(">BxH", data)
        if 4 + length > len(data):
            raise Violation("an item longer than what holds it")
        found.append((kind, data[4 : 4 + length]))
        data = data[4 + length :]
        if len(found) > most:
            raise Violation(f"more than {most} items")
    return found


def fragments(body: memoryview) -> list[tuple[int, memoryview]]:
    """The presentation data values of a P-DATA-TF: context number, and control byte with fragment; no copies.

    Raises:
        Violation: there is none, too many, an empty one, or a length that leads out of it.
    """
    found: list[tuple[int, memoryview]] = []
    place = 0
    while place < len(body):
        if len(body) - place < 6:
            raise Violation("a presentation data value that is cut off")
        length, context = struct.unpack_from(">IB", body, place)
        end = place + 4 + length
        if length < 2 or end > len(body) or len(found) == MAX_FRAGMENTS:
            raise Violation("a presentation data value that is empty, too long, or one of too many")
        found.append((context, body[place + 5 : end]))
        place = end
    if not found:
        raise Violation("a P-DATA-TF without data")
    return found
