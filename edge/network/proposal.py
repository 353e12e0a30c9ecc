"""An A-ASSOCIATE-RQ as it came, and the strict one that pynetdicom gets in its place (PS3.8 9.3.2).

pynetdicom raises in many places where a request is not as the standard says, and a raise is an abort. What
can be understood is read here, and written anew without what the agent does not answer: items of unknown
types (PS3.8 9.3.1 wants them skipped), and the negotiations that it never takes up: roles, extended and
common extended negotiation, asynchronous operations, user identity.
"""

import struct
from dataclasses import dataclass

from edge.network.pdu import ASSOCIATE_RQ, MAX_CONTEXTS, MAX_SYNTAXES, MAX_USER_ITEMS, Violation, items
from edge.network.titles import Title

_APPLICATION, _CONTEXT, _RESULT, _USER_INFORMATION = 0x10, 0x20, 0x21, 0x50
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX, _MAXIMUM_LENGTH = 0x30, 0x40, 0x51
_APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"  # PS3.7 A.2.1, the only one
_IMPLICIT = b"1.2.840.10008.1.2"
_FIXED = struct.Struct(">HH16s16s32s")  # version, reserved, called, calling, reserved: table 9-11
_ECHOED = slice(4, _FIXED.size)  # of it an acceptance sends back as it came: table 9-17
_MAX_UID_BYTES = 64
_MAX_ITEMS = MAX_CONTEXTS + 16
# Less can't hold a fragment of a response. Who names no length gets what most toolkits ask for.
_LEAST_PDU_BYTES, _USUAL_PDU_BYTES = 64, 16384
# Reasons of table 9-18.
_NO_REASON, _NO_ABSTRACT_SYNTAX, _NO_TRANSFER_SYNTAX = 2, 3, 4


@dataclass(frozen=True)
class Context:
    """A presentation context that can be negotiated: an odd number, a class, at least one syntax."""

    number: int
    abstract_syntax: bytes
    transfer_syntaxes: tuple[bytes, ...]


@dataclass(frozen=True)
class Proposal:
    """What an association request asks for.

    Attributes:
        has_version_1: whether bit 0 of the protocol version is set, the only one that counts.
        calling, called: the AE titles.
        contexts: those that can be negotiated.
        rejected: result (table 9-18) by number of those that can't.
        max_pdu_bytes: longest data unit that the requestor takes; 0: any.
        echoed: bytes of the request that an acceptance repeats.
    """

    has_version_1: bool
    calling: Title
    called: Title
    contexts: tuple[Context, ...]
    rejected: dict[int, int]
    max_pdu_bytes: int
    echoed: bytes

    @property
    def pdu(self) -> bytes:
        """The same request as the standard wants it, without the contexts that are rejected anyway."""
        titles = (_encoded(title) for title in (self.called, self.calling))
        body = _FIXED.pack(int(self.has_version_1), 0, *titles, bytes(32))
        body += _item(_APPLICATION, _APPLICATION_CONTEXT)
        for context in self.contexts:
            syntaxes = (_item(_TRANSFER_SYNTAX, uid) for uid in context.transfer_syntaxes)
            named = _item(_ABSTRACT_SYNTAX, context.abstract_syntax) + b"".join(syntaxes)
            body += _item(_CONTEXT, bytes((context.number, 0, 0, 0)) + named)
        length = _item(_MAXIMUM_LENGTH, struct.pack(">I", self.max_pdu_bytes))
        body += _item(_USER_INFORMATION, length)
        return struct.pack(">BxI", ASSOCIATE_RQ, len(body)) + body

    def accepted_by(self, answer: bytes) -> bytes:
        """pynetdicom's A-ASSOCIATE-AC `answer`, with the titles as they came and every context's result."""
        fixed, rest = answer[6 : 6 + _FIXED.size], answer[6 + _FIXED.size :]
        results, others = b"", b""
        for kind, value in items(memoryview(rest)):
            if kind == _RESULT:
                results += _item(kind, bytes(value))
            elif kind == _USER_INFORMATION:
                others += _item(kind, bytes(value))
        for number, result in self.rejected.items():
            results += _item(_RESULT, bytes((number, 0, result, 0)) + _item(_TRANSFER_SYNTAX, _IMPLICIT))
        body = fixed[: _ECHOED.start] + self.echoed + _item(_APPLICATION, _APPLICATION_CONTEXT)
        body += results + others
        return answer[:2] + struct.pack(">I", len(body)) + body


def read_proposal(body: memoryview) -> Proposal:
    """Read the body of an A-ASSOCIATE-RQ.

    Raises:
        Violation: it holds too much, or a length leads out of it.
    """
    if len(body) < _FIXED.size:
        raise Violation(f"an association request of {len(body)} bytes")
    version, _, called, calling, _ = _FIXED.unpack_from(body)
    proposed: list[memoryview] = []
    user_items: list[tuple[int, memoryview]] = []
    for kind, value in items(body[_FIXED.size :], _MAX_ITEMS):
        if kind == _CONTEXT:
            proposed.append(value)
        elif kind == _USER_INFORMATION:
            user_items += items(value, MAX_USER_ITEMS)
    if len(proposed) > MAX_CONTEXTS or len(user_items) > MAX_USER_ITEMS:
        raise Violation(
            f"an association request with {len(proposed)} contexts and {len(user_items)} user items"
        )
    contexts: dict[int, Context] = {}
    rejected: dict[int, int] = {}
    for value in proposed:
        context, result = _context(value)
        if context.number in contexts or context.number in rejected:  # the first of a number counts
            continue
        if result:
            rejected[context.number] = result
        else:
            contexts[context.number] = context
    return Proposal(
        bool(version & 1),
        Title.of(calling),
        Title.of(called),
        tuple(contexts.values()),
        rejected,
        _max_pdu_bytes(user_items),
        bytes(body[_ECHOED]),
    )


def _context(value: memoryview) -> tuple[Context, int]:
    """A presentation context, and the result that it gets at once; 0 where it can be negotiated."""
    if len(value) < 4:
        raise Violation("a presentation context without a number")
    named = items(value[4:], MAX_SYNTAXES + 1)
    uids = {kind: [_uid(uid) for one, uid in named if one == kind] for kind, _ in named}
    if len(uids.get(_TRANSFER_SYNTAX, ())) > MAX_SYNTAXES:
        raise Violation(f"more than {MAX_SYNTAXES} transfer syntaxes in a presentation context")
    abstract = next(filter(None, uids.get(_ABSTRACT_SYNTAX, ())), b"")
    syntaxes = tuple(filter(None, uids.get(_TRANSFER_SYNTAX, ())))
    context = Context(value[0], abstract, syntaxes)
    if not context.number % 2:
        return context, _NO_REASON
    if not abstract:
        return context, _NO_ABSTRACT_SYNTAX
    return context, 0 if syntaxes else _NO_TRANSFER_SYNTAX


def _uid(value: memoryview) -> bytes:
    """The UID without its padding; empty where it can be none."""
    uid = bytes(value).strip(b"\0 ")
    is_one = len(uid) <= _MAX_UID_BYTES and all(0x20 < byte < 0x7F for byte in uid)
    return uid if is_one else b""


def _max_pdu_bytes(user_items: list[tuple[int, memoryview]]) -> int:
    for kind, value in user_items:
        if kind == _MAXIMUM_LENGTH and len(value) == 4:
            length = int.from_bytes(value, "big")
            return length if length == 0 or length >= _LEAST_PDU_BYTES else _USUAL_PDU_BYTES
    return _USUAL_PDU_BYTES


def _encoded(title: Title) -> bytes:
    """A title that pynetdicom decodes; it takes none that is blank, and nobody looks at it there."""
    return (title.text or "BLANK").encode().ljust(16)


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value
