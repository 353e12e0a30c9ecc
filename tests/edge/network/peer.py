"""A peer at the level of PDUs: sends what no toolkit would, byte for byte."""

import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from tests.edge.network.scp import HOST, VERIFICATION

IMPLICIT = "1.2.840.10008.1.2"
ACCEPTED, REJECTED, DATA, RELEASED, ABORTED = 2, 3, 4, 6, 7
Contexts = Sequence[tuple[str, Sequence[str]]]
ECHO_CONTEXTS: Contexts = [(VERIFICATION, [IMPLICIT])]


def associate_rq(
    contexts: Contexts = ECHO_CONTEXTS,
    items: Sequence[Any] = (),
    calling: str = "SCANNER",
    called: str = "SCANSIDE",
    max_pdu_bytes: int = 16384,
) -> bytes:
    """An A-ASSOCIATE-RQ; contexts are numbered 1, 3, 5, ... as they stand."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = max_pdu_bytes
    implementation.implementation_class_uid = "1.2.3.4"
    primitive.user_information = [length, implementation, *items]
    proposed = []
    for number, (sop_class, syntaxes) in enumerate(contexts):
        context = build_context(sop_class, list(syntaxes))
        context.context_id = 2 * number + 1
        proposed.append(context)
    primitive.presentation_context_definition_list = proposed
    return bytes(A_ASSOCIATE_RQ(primitive).encode())


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxI", kind, len(body)) + body


def data(context: int, control: int, fragment: bytes) -> bytes:
    """A P-DATA-TF with one fragment; control 3 is a whole command set, 2 the end of a data set."""
    return pdu(DATA, struct.pack(">IBB", len(fragment) + 2, context, control) + fragment)


def command(**elements: Any) -> bytes:
    """An encoded command set (PS3.7 annex E), with its group length."""
    from pydicom import Dataset
    from pynetdicom.dsutils import encode

    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    body = encode(dataset, True, True)
    assert body is not None
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def echo_rq(number: int = 1) -> bytes:
    return command(
        AffectedSOPClassUID=VERIFICATION, CommandField=0x30, MessageID=number, CommandDataSetType=0x101
    )


def store_rq(sop_class: str, instance: str, number: int = 1) -> bytes:
    return command(
        AffectedSOPClassUID=sop_class,
        CommandField=1,
        MessageID=number,
        Priority=0,
        CommandDataSetType=1,
        AffectedSOPInstanceUID=instance,
    )


class Peer:
    """One connection; `patience_s` is for each read."""

    def __init__(self, port: int, patience_s: float = 20.0, host: str = HOST) -> None:
        self.socket = socket.create_connection((host, port), timeout=patience_s)

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def receive(self) -> tuple[int, bytes] | None:
        """Type and body of the next PDU; None when the connection ends."""
        header = self._exactly(6)
        if header is None:
            return None
        kind, length = struct.unpack(">BxI", header)
        body = self._exactly(length)
        return None if body is None else (kind, body)

    def associate(self, *arguments: Any, **options: Any) -> A_ASSOCIATE_AC | A_ASSOCIATE_RJ:
        """Request an association; the answer, which must be an acceptance or a rejection."""
        self.send(associate_rq(*arguments, **options))
        answer = self.receive()
        assert answer is not None and answer[0] in (ACCEPTED, REJECTED), answer
        decoded = A_ASSOCIATE_AC() if answer[0] == ACCEPTED else A_ASSOCIATE_RJ()
        decoded.decode(pdu(*answer))
        return decoded

    def status(self) -> int:
        """The status of the next response."""
        from io import BytesIO

        from pynetdicom.dsutils import decode

        answer = self.receive()
        assert answer is not None and answer[0] == DATA, answer
        return int(decode(BytesIO(answer[1][6:]), True, True).Status)

    def _exactly(self, length: int) -> bytes | None:
        found = b""
        while len(found) < length:
            try:
                part = self.socket.recv(length - len(found))
            except ConnectionError:
                return None
            if not part:
                return None
            found += part
        return found
