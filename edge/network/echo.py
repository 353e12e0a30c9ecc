"""A C-ECHO to the receiver's own port: whether somebody who calls now gets an answer (PS3.4 annex A).

It is written to the socket here, without the threads of pynetdicom's requestor: it is made every two seconds.
"""

import socket
import struct
from typing import Any

from pynetdicom import build_context
from pynetdicom.dimse_messages import C_ECHO_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import A_ASSOCIATE_RQ, A_RELEASE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    A_RELEASE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)

from edge.network.contexts import VERIFICATION
from scanside.errors import ScansideError

_ANSWER_S = 5.0
_TITLE = "SCANSIDE-CHECK"
_ACCEPTED, _DATA, _RELEASED = 0x02, 0x04, 0x06  # types of PDUs, PS3.8 9.3
_CONTEXT = 1
_MAX_BYTES = 1 << 16


def call(address: tuple[str, int]) -> socket.socket:
    """A socket that is bound, and not connected yet: its own address names the call."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    caller = socket.socket(family)
    try:
        caller.settimeout(_ANSWER_S)
        caller.bind((address[0], 0))
    except BaseException:
        caller.close()
        raise
    return caller


def echo(caller: socket.socket, address: tuple[str, int], called: str) -> None:
    """Connect, associate, echo and release.

    Raises:
        OSError: there is no connection, or no answer within five seconds.
        ScansideError: the answer is another than acceptance and success.
    """
    with caller as connection:
        connection.connect(address)
        connection.sendall(_association_request(called))
        _expect(connection, _ACCEPTED, "takes no association")
        connection.sendall(_echo_request())
        answer = P_DATA_TF()
        answer.decode(_expect(connection, _DATA, "does not answer a C-ECHO"))
        message = DIMSEMessage()
        if not message.decode_msg(answer.to_primitive()) or _status(message) != 0:
            raise ScansideError("the port answers a C-ECHO without success")
        release: Any = A_RELEASE_RQ()
        release.from_primitive(A_RELEASE())
        connection.sendall(release.encode())
        _expect(connection, _RELEASED, "does not release an association")


def reachable(host: str) -> str:
    """The address under which this machine reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)


def _association_request(called: str) -> bytes:
    asked: Any = A_ASSOCIATE()
    asked.application_context_name = "1.2.840.10008.3.1.1.1"
    asked.calling_ae_title, asked.called_ae_title = _TITLE, called
    context = build_context(VERIFICATION)
    context.context_id = _CONTEXT
    asked.presentation_context_definition_list = [context]
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = _MAX_BYTES
    implementation.implementation_class_uid = "1.2.826.0.1.3680043.9.3811.3.0.4"
    asked.user_information = [length, implementation]
    request: Any = A_ASSOCIATE_RQ()
    request.from_primitive(asked)
    return bytes(request.encode())


def _echo_request() -> bytes:
    asked = C_ECHO()
    asked.MessageID, asked.AffectedSOPClassUID = 1, VERIFICATION
    message: Any = C_ECHO_RQ()
    message.primitive_to_message(asked)
    encoded = b""
    for part in message.encode_msg(_CONTEXT, 0):
        data: Any = P_DATA_TF()
        data.from_primitive(part)
        encoded += data.encode()
    return encoded


def _expect(connection: socket.socket, kind: int, otherwise: str) -> bytes:
    """The next PDU, if it is of this type."""
    header = _read(connection, 6)
    found, _, length = struct.unpack(">BBL", header)
    if found != kind or length > _MAX_BYTES:
        raise ScansideError(f"the port {otherwise}")
    return header + _read(connection, length)


def _read(connection: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        piece = connection.recv(length - len(read))
        if not piece:
            raise ScansideError("the port ends the connection")
        read += piece
    return read


def _status(message: DIMSEMessage) -> Any:
    return message.command_set.get("Status")
