"""Accepts connections and associations: who is known, has a slot, and asks in time.

A connection has a slot before a thread, an address that is known before a slot, and a deadline for the TLS
handshake and the association request together. From then on see edge/network/stack.py, also for pynetdicom.
"""

import logging
import socket as sockets
import ssl
import time
from collections.abc import Callable
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.acse import ACSE
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from edge.network import contexts, pdu
from edge.network.access import REJECTIONS, Access
from edge.network.refusals import Reason, Refusals
from edge.network.services import Services
from edge.network.sightings import Sightings
from edge.network.slots import Slots
from edge.network.stack import Connection, Messages, UpperLayer
from edge.scanners import Scanner
from edge.settings import Settings
from edge.storage.spool import Spool

_SLOT_WAIT_S = 1.0  # an association that was just released gives its slot back in moments
_GRACE_S = 2.0  # for open associations to abort in order
_log = logging.getLogger(__name__)


class Server(ThreadedAssociationServer):
    """Accepts connections; whatever may take time happens in the connection's own thread.

    Args:
        store: what answers C-STORE requests (edge/network/services.py).
        sightings: told of each contact.
        tls: gives the TLS context of a new connection; None without TLS.

    Raises:
        OSError: the address can't be listened on.
    """

    socket: Any
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        ae: AE,
        settings: Settings,
        access: Access,
        refusals: Refusals,
        spool: Spool,
        store: Callable[[Any, Any, Any], int],
        sightings: Sightings,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self.settings, self.access, self.spool, self._tls = settings, access, spool, tls
        self.refusals, self.store, self.sightings = refusals, store, sightings
        self.connections = Slots(settings.max_connections, settings.max_connections_per_peer)
        self.associations = Slots(settings.max_associations, settings.max_associations_per_peer)
        self.own_calls: set[tuple[str, int]] = (
            set()
        )  # where the process calls itself from, see `Receiver.echo`
        self.closing = False
        super().__init__(
            ae,
            (settings.host, settings.port),
            settings.ae_title,
            [],  # which contexts are taken is decided for each association
            request_handler=Handler,
        )

    def take_over(self, settings: Settings, access: Access, tls: Callable[[], ssl.SSLContext] | None) -> None:
        """Use these for connections and associations to come; those that are open go on as they are."""
        self.settings, self.access, self._tls = settings, access, tls
        self.connections.limit(settings.max_connections, settings.max_connections_per_peer)
        self.associations.limit(settings.max_associations, settings.max_associations_per_peer)

    def get_request(self) -> tuple[sockets.socket, Any]:
        """Accept, and nothing else: this thread waits for no peer, so the TLS handshake has its own."""
        try:
            connection, address = self.socket.accept()
            return connection, address
        except OSError as error:
            _log.error("can't accept a connection: %s", error)
            time.sleep(0.1)  # out of file descriptors: it would be asked again at once
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether the peer is known and has a slot left; whatever goes wrong here, the next is accepted."""
        try:
            return self._lets_in(client_address)
        except Exception:
            self.handle_error(request, client_address)
            return False

    def _lets_in(self, client_address: Any) -> bool:
        peer = client_address[0]
        if self.is_own(client_address):
            return True
        if not self.access.knows(peer):
            self.refusals.add(Reason.ADDRESS, peer)
            return False
        if not self.connections.take(peer):
            self.refusals.add(Reason.CONNECTIONS, peer)
            return False
        return True

    def is_own(self, client_address: Any) -> bool:
        """Whether the process calls itself: then no slot, no TLS and no list of addresses is asked for."""
        return client_address[:2] in self.own_calls

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had
            if not self.is_own(client_address):
                self.connections.give(client_address[0])
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The whole life of one connection."""
        deadline = time.monotonic() + self.settings.connect_timeout_s
        is_own = self.is_own(client_address)
        try:
            if self._tls is not None and not is_own:
                peer = client_address[0]
                request.settimeout(self.settings.connect_timeout_s)
                try:
                    if request.recv(1, sockets.MSG_PEEK) == bytes((pdu.ASSOCIATE_RQ,)):
                        self.refusals.add(Reason.PLAIN, peer)
                        return
                    request = self._tls().wrap_socket(
                        request, server_side=True, do_handshake_on_connect=False
                    )
                    request.settimeout(max(0.1, deadline - time.monotonic()))  # for the handshake as a whole
                    request.do_handshake()
                except OSError as error:  # ssl.SSLError among them
                    self.refusals.add(Reason.TLS, peer, detail=str(error))
                    return
            if not self.closing:
                Handler(request, client_address, self, deadline)
        except OSError as error:
            _log.warning("a connection of %s failed: %s", client_address[0], error)
        except Exception:
            _log.exception("a connection of %s ended by a fault of the program", client_address[0])
        finally:
            self.shutdown_request(request)
            if not is_own:
                self.connections.give(client_address[0])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        _log.exception("a connection of %s could not be served", client_address[0])

    def close(self, drain_s: float) -> None:
        """Accept nothing more, abort what is open after `drain_s`, and cut off who does not end then."""
        self.closing = True
        self.shutdown()
        end = time.monotonic() + drain_s
        while self.active_associations and time.monotonic() < end:
            time.sleep(0.05)
        associations: list[Any] = self.active_associations
        for one in associations:
            one.abort(block=False)
        end = time.monotonic() + _GRACE_S
        for one in associations:
            one.join(max(0.0, end - time.monotonic()))
            one.dul.socket._shutdown_socket()

    @staticmethod
    def bound_bytes(settings: Settings) -> int:
        """What open connections can make the process hold, whatever their peers send.

        Each the buffer of one PDU, what is made of it, the piece of a data set that is on its way to the
        disk, and 1 MiB for its three threads and the objects of its requests.
        """
        one = max(pdu.MAX_ASSOCIATE_BYTES, settings.max_pdu_bytes + pdu.PDU_TOLERANCE_BYTES)
        return settings.max_connections * (4 * one + (1 << 20))


class Handler(RequestHandler):
    """Makes the association of one connection out of the parts below, and stays until it has ended."""

    server: Server

    def __init__(self, request: Any, client_address: Any, server: Server, deadline: float) -> None:
        self._deadline = deadline
        super().__init__(request, client_address, server)

    def handle(self) -> None:
        association = self._create_association()
        evt.trigger(association, evt.EVT_CONN_OPEN, {"address": self.client_address})
        association.start()
        try:
            association.join()
            association.dul.join(self.server.settings.pdu_timeout_s)
        finally:
            association.dul.kill_dul()
            association.dimse.discard()
            if association.acse.admitted:
                self.server.associations.give(self.client_address[0])

    def _create_association(self) -> Any:
        association: Any = super()._create_association()
        settings = self.server.settings
        is_own = self.server.is_own(self.client_address)
        association.acse = Gatekeeper(association, self.server, self.client_address[0], is_own)
        association.dimse = Messages(association, self.server.spool)
        association.dul = UpperLayer(association, settings)
        echoed = association.acse.contact
        association._serve_request = Services(association, self.server.store, echoed).serve
        association.set_socket(Connection(association, self.request, settings.pdu_timeout_s))
        # The time to associate; later the one that a broken connection gets to close.
        association.acse_timeout = max(0.1, self._deadline - time.monotonic())
        association.network_timeout = settings.association_timeout_s
        return association


class Gatekeeper(ACSE):
    """Decides whether a requested association is accepted, and which of its contexts.

    Attributes:
        admitted: whether it has a slot, which is given back when the association has ended.
    """

    def __init__(self, association: Any, server: Server, peer: str, is_own: bool = False) -> None:
        super().__init__(association)
        self._server, self._peer, self._is_own = server, peer, is_own
        self.admitted = False

    def _negotiate_as_acceptor(self) -> None:
        association: Any = self.assoc
        peer, request = self._peer, association.dul.proposal
        proposed = association.requestor.primitive.presentation_context_definition_list
        stores = any(context.abstract_syntax != contexts.VERIFICATION for context in proposed)
        refusal = None
        if not self._is_own:
            refusal = self._server.access.refusal(peer, request.calling, request.called, stores=stores)
        if refusal is None and not self._is_own:
            self.admitted = self._server.associations.take(peer, _SLOT_WAIT_S)
            refusal = None if self.admitted else Reason.ASSOCIATIONS
        if refusal is not None:
            called = f"it called '{request.called.shown}'"
            self._server.refusals.add(refusal, peer, request.calling.shown, called)
            self.send_reject(*REJECTIONS[refusal])
            self.assoc.kill()
            return
        self.acceptor.supported_contexts = contexts.supported(proposed, self._server.settings.private_classes)
        super()._negotiate_as_acceptor()
        if self.assoc.is_established and not self._is_own:
            self._server.refusals.accepted(peer, request.calling.shown)
            self.contact(associated=True)

    @property
    def scanner(self) -> Scanner | None:
        """Which of the settings' scanners this is; None for an echo under another title."""
        association: Any = self.assoc
        return self._server.access.scanner(self._peer, association.dul.proposal.calling.text)

    def contact(self, *, associated: bool = False) -> None:
        """It made itself heard, by an association or an echo; the process itself does not count."""
        if self._is_own:
            return
        association: Any = self.assoc
        title = association.dul.proposal.calling.shown
        self._server.sightings.contact(self.scanner, title, self._peer, associated=associated)

    def is_release_requested(self) -> bool:
        """Whether the peer asks to release; a request that came before that is answered before it."""
        messages: Any = self.assoc.dimse
        if messages.waits or not super().is_release_requested():
            return False
        if messages.is_within_message:
            _log.warning("%s: released within a message, which is not stored", self._peer)
        return True
