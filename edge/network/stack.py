"""pynetdicom's upper layer with limits and deadlines; its server is in edge/network/server.py.

These two files are all that overrides inner parts of pynetdicom, so that no limit here relies on one there.
tests/edge/network/test_limits.py proves each on the agent. The version is pinned exactly, and
tests/edge/network/test_pin.py fails when the parts that are overridden or relied on change.

Each PDU has a deadline, and so have silence and the whole association. What open connections can hold in
memory: `Server.bound_bytes`.
"""

import contextlib
import logging
import queue
import select
import socket as sockets
import ssl
import struct
import time
from typing import Any

from pynetdicom import _config
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.timer import Timer
from pynetdicom.transport import AssociationSocket

from edge.network import pdu
from edge.network.pdu import Violation
from edge.network.proposal import Proposal, read_proposal
from edge.network.reader import Reader
from edge.network.services import as_request
from edge.network.streaming import DataSetStream
from edge.settings import Settings
from edge.storage.spool import Spool

_WAIT_S = 0.25  # how often a silent association looks at its deadlines
_MAX_COMMAND_BYTES = 1 << 14  # a C-STORE request is some 300 bytes
_MAX_WAITING = 8  # requests sent ahead of their answers; asynchronous operations are not negotiated
_log = logging.getLogger(__name__)
_config.LOG_HANDLER_LEVEL = "none"  # its handlers take each message apart to log it, a stranger's too


class Connection(AssociationSocket):
    """The socket: reading is buffered, sending has a deadline, and closing always closes."""

    def __init__(self, association: Any, connection: sockets.socket, timeout_s: float) -> None:
        super().__init__(association, client_socket=connection)
        self.reader = Reader(connection)
        self._association, self._timeout_s = association, timeout_s

    @property
    def ready(self) -> bool:
        return self.reader.buffered or bool(super().ready)

    def send(self, bytestream: bytes) -> None:
        if bytestream[0] == pdu.ASSOCIATE_AC:
            bytestream = self._association.dul.proposal.accepted_by(bytestream)
        try:
            if self.socket is None:
                raise OSError("the connection is closed")
            self.socket.settimeout(self._timeout_s)
            self.socket.sendall(bytestream)
        except OSError:
            self.event_queue.put("Evt17")

    def _shutdown_socket(self) -> None:
        connection = self.socket
        if connection is not None:
            try:
                connection.shutdown(sockets.SHUT_RDWR)
            except OSError:
                pass  # the peer was faster; the descriptor is closed all the same
            finally:
                connection.close()


class UpperLayer(DULServiceProvider):
    """The DICOM upper layer of one association: PDUs have a size and a deadline, and nothing polls.

    pynetdicom looks a thousand times a second whether there is something to do. Here the thread sleeps
    until its socket or its queues have something.

    Attributes:
        proposal: what the peer asked for, as it came; None before.
    """

    socket: Any
    to_user_queue: Any

    def __init__(self, association: Any, settings: Settings) -> None:
        super().__init__(association)
        self.name = "UpperLayer"
        self.daemon = True
        self._settings = settings
        self._run_loop_delay = 0.0  # `_wait` sleeps
        self._ends = time.monotonic() + settings.association_limit_s
        self._broken = False
        self.proposal: Proposal | None = None
        self._woken, self._waker = sockets.socketpair()
        self._waker.setblocking(False)
        self.artim_timer, self._idle_timer = SteadyTimer(None), SteadyTimer(None)
        self.to_user_queue = _UserQueue(association.dimse.msg_queue)

    def run_reactor(self) -> None:
        try:
            super().run_reactor()
        except Exception as error:  # the state machine raises where an event has no place
            _log.warning("%s: the association broke off: %s", self._peer, error)
        finally:
            self.socket._shutdown_socket()
            self.to_user_queue.put(None)  # whoever waits for a request of this connection waits in vain
            self._woken.close()
            self._waker.close()

    def violated(self, why: object) -> None:
        """The peer broke the protocol or a limit: abort (PS3.8, AA-1 and AA-8), and read no more PDUs."""
        _log.warning("%s: aborted: %s", self._peer, why)
        self._broken = True
        self.socket.reader.drop()
        self.event_queue.put("Evt19")

    def send_pdu(self, primitive: Any) -> None:
        super().send_pdu(primitive)
        self._idle_timer.restart()  # the peer waited for us, not we for the peer
        self._wake()

    def kill_dul(self) -> None:
        super().kill_dul()
        self._wake()

    def stop_dul(self) -> bool:
        self._wake()
        return bool(super().stop_dul())

    def idle_timer_expired(self) -> bool:
        return time.monotonic() > self._ends or bool(super().idle_timer_expired())

    @property
    def _peer(self) -> str:
        return str(self.assoc.requestor.address)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake already, or gone
            self._waker.send(b"\0")

    def _is_transport_event(self) -> bool:
        self._wait()
        if self._process_recv_primitive():
            return False
        return bool(super()._is_transport_event())

    def _wait(self) -> None:
        connection = self.socket.socket
        if connection is None:
            time.sleep(0.001)
            return
        if (
            self.socket.reader.buffered
            or self.event_queue.queue
            or self.state_machine.current_state == "Sta13"
        ):
            return
        if isinstance(connection, ssl.SSLSocket) and connection.pending():
            return
        try:
            ready, _, _ = select.select([connection, self._woken], [], [], _WAIT_S)
            if self._woken in ready:
                self._woken.recv(4096)
        except (OSError, ValueError):
            pass  # closed meanwhile: AssociationSocket.ready says so

    def _read_pdu_data(self) -> None:
        """Read what has arrived; see the same of pynetdicom for the events."""
        if self._broken:
            self._discard()
            return
        try:
            while self._read_one() and self.socket.reader.buffered and not self.to_provider_queue.queue:
                pass
        except OSError as error:
            if self.state_machine.current_state == "Sta6":
                _log.warning("%s: the association broke off: %s", self._peer, error)
            self.event_queue.put("Evt17")
        except Exception as error:  # of the decoder: many kinds
            self.violated(error)

    def _read_one(self) -> bool:
        """Read one PDU; whether it was data, which went the short way.

        Data make no event: DT-2 (PS3.8 9.2.2) stays in its state, and pynetdicom would copy every byte five
        times on the way there.

        Raises:
            OSError: the connection ended or the PDU took too long.
            Violation: it is too long, or holds too much.
        """
        associated = self.state_machine.current_state not in ("Sta1", "Sta2")
        left = self._settings.pdu_timeout_s if associated else max(0.0, self.artim_timer.remaining)
        deadline = time.monotonic() + left
        header = bytes(self.socket.reader.read(pdu.HEADER_BYTES, deadline))
        kind, length = struct.unpack(">BxI", header)
        allowed = pdu.allowed_bytes(kind, associated=associated, max_pdu_bytes=self._settings.max_pdu_bytes)
        if length > allowed:
            raise Violation(f"a PDU of type 0x{kind:02X} with {length} bytes, {allowed} are allowed")
        body = self.socket.reader.read(length, deadline)
        whole = header + body
        if kind == pdu.ASSOCIATE_RQ and not associated:
            self.proposal = read_proposal(body)
            whole = self.proposal.pdu
            if not self.proposal.has_version_1:
                _log.warning("%s: association rejected: its protocol version is not 1", self._peer)
        elif kind == pdu.P_DATA_TF:
            found = pdu.fragments(body)
            if self.state_machine.current_state == "Sta6" and not self.event_queue.queue:
                data = P_DATA()
                data._presentation_data_value_list = found  # type: ignore[assignment]  # it wants bytes
                self.assoc.dimse.receive_primitive(data)
                return True
        decoded, event = self._decode_pdu(bytearray(whole))
        self.event_queue.put(event)
        self._recv_pdu.put(decoded)
        return False

    def _discard(self) -> None:
        try:
            ended = not self.socket.socket.recv(1 << 16)
        except (OSError, AttributeError):
            ended = True
        if ended:
            self.event_queue.put("Evt17")


class _UserQueue(queue.Queue[Any]):
    """Primitives for the association's thread, which sleeps until it has a message: each one wakes it."""

    def __init__(self, messages: "queue.Queue[Any]") -> None:
        super().__init__()
        self._messages = messages

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._messages.put((None, None))


class SteadyTimer(Timer):
    """A timer that a clock set back or forward does not touch; pynetdicom's goes by the time of day."""

    def start(self) -> None:
        self._start_time, self._end_time = time.monotonic(), None

    def stop(self) -> None:
        self._end_time = time.monotonic()

    @property
    def remaining(self) -> float:
        if self.timeout is None:
            return 1
        if self._start_time is None:
            return self.timeout
        end = time.monotonic() if self._end_time is None else self._end_time
        return self.timeout - (end - self._start_time)


class Messages(DIMSEServiceProvider):
    """The DIMSE messages of one association: data sets are streams, requests are few and of known kinds."""

    def __init__(self, association: Any, spool: Spool) -> None:
        super().__init__(association)
        self._association, self._spool = association, spool
        self._open: list[DataSetStream] = []
        self._served: DataSetStream | None = None
        self._command_bytes = 0

    def receive_primitive(self, primitive: Any) -> None:
        """Add fragments to the message that is arriving; a whole one waits for the association's thread."""
        try:
            assembled = self._assemble(primitive)
        except Exception as error:  # pydicom raises many kinds on a strange command set
            self._association.dul.violated(f"a message that can't be read: {error}")
            return
        if assembled is None:
            return
        context_id, request = assembled
        if request is None:
            return
        if self.msg_queue.qsize() >= _MAX_WAITING:
            self._association.dul.violated(f"more than {_MAX_WAITING} requests ahead of their answers")
        else:
            self.msg_queue.put((context_id, request))

    @property
    def waits(self) -> bool:
        """Whether a whole request waits for the association's thread."""
        return any(request is not None for _, request in list(self.msg_queue.queue))

    @property
    def is_within_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return self.message is not None

    def _assemble(self, primitive: Any) -> tuple[Any, Any] | None:
        """Context number and request of the message that `primitive` completes; None before.

        Raises:
            Violation: the command set is too long, or asks for what is not done here.
        """
        if self.message is None:
            self.message = DIMSEMessage()
            self.message.data_set = DataSetStream(self.message, self.assoc, self._spool)
            self._open = [*(one for one in self._open if not one.ended), self.message.data_set]
            self._command_bytes = 0
        commands = (data for _, data in primitive.presentation_data_value_list if data[0] & 1)
        self._command_bytes += sum(map(len, commands))
        if self._command_bytes > _MAX_COMMAND_BYTES:
            raise Violation(f"a command set of more than {_MAX_COMMAND_BYTES} bytes")
        if not self.message.decode_msg(primitive, self.assoc):
            return None
        message, self.message = self.message, None
        return message.context_id, as_request(message)

    def get_msg(self, block: bool = False) -> Any:
        """The next message; the thread that asks has done with the one before, served or not."""
        if self._served is not None:
            self._served.discard()
            self._served = None
        try:
            context_id, message = self._next(self.dimse_timeout if block else _WAIT_S)
        except queue.Empty:
            return None, None
        self._served = getattr(message, "DataSet", None)
        return context_id, message

    def _next(self, timeout_s: float | None) -> tuple[Any, Any]:
        """Context number and request that wait. Who was only woken finds what waits behind that.

        Raises:
            queue.Empty: there is none.
        """
        waiting: Any = self.msg_queue
        context_id, request = waiting.get(timeout=timeout_s)
        while request is None:
            context_id, request = waiting.get_nowait()
        return context_id, request

    def discard(self) -> None:
        """The connection is closed: what it began is forgotten."""
        for stream in self._open:
            stream.discard()
