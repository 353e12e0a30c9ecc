"""The DICOM side: C-ECHO and C-STORE (PS3.4 annexes A and B). Success is said once the bytes are durable."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pynetdicom import AE
from pynetdicom.dimse_primitives import C_STORE

from edge.network.access import Access
from edge.network.echo import call, echo, reachable
from edge.network.refusals import Refusals
from edge.network.server import Server
from edge.network.services import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, PROCESSING_FAILURE, SUCCESS
from edge.network.sightings import Sightings
from edge.network.streaming import DataSetStream
from edge.network.tls import Tls
from edge.protocol.row import now
from edge.settings import Settings
from edge.storage.clock import Clock
from edge.storage.spool import Spool, Spooled
from scanside.errors import InputError, SettingError

_log = logging.getLogger(__name__)


class Receiver:
    """A storage SCP that puts what it receives into `spool`, tells `stored`, and answers.

    Args:
        refusals: told of each connection and association that is not let in.

    Attributes:
        sightings: what it saw of the scanners.

    Raises:
        SettingError: the port or a certificate can't be used, or the agent would listen for nobody it knows.
    """

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        stored: Callable[[Spooled], None],
        refusals: Refusals | None = None,
    ) -> None:
        self._spool, self._stored, self._clock = spool, stored, Clock(settings.data)
        access, tls = Access(settings), Tls.from_settings(settings)
        self.sightings = Sightings(settings.scanners)
        self._ae = AE(settings.ae_title)
        self._ae.maximum_associations = 1 << 20  # the server counts for itself
        self._ae.maximum_pdu_size = settings.max_pdu_bytes  # proposed (PS3.8 D.1.1); pynetdicom says 16 kB
        try:
            self._server = Server(
                self._ae,
                settings,
                access,
                refusals or Refusals(),
                spool,
                self._store,
                self.sightings,
                tls.context if tls else None,
            )
        except (OSError, OverflowError) as error:
            raise SettingError(
                f"can't listen on {settings.host} port {settings.port}: {error}. "
                "Choose another with --port, or stop the program that uses it."
            ) from error
        self._ae._servers.append(self._server)
        self._accepting = threading.Thread(target=self._server.serve_forever, name="Accepting", daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def alive(self) -> bool:
        """Whether it accepts connections; once it does not, a new process has to."""
        return self._accepting.is_alive()

    def echo(self) -> None:
        """Call the own port as a scanner would, and see that it answers a C-ECHO.

        Raises:
            OSError, ScansideError: it does not.
        """
        address = reachable(str(self._server.server_address[0])), self.port
        caller = call(address)
        name = caller.getsockname()[:2]
        self._server.own_calls.add(name)
        try:
            echo(caller, address, self._ae.ae_title)
        finally:
            self._server.own_calls.discard(name)

    def take_over(self, settings: Settings) -> None:
        """Use `settings` for what comes from now on; address, port, title and the spool stay as they are.

        Raises:
            SettingError: they can't be used, and none is taken over.
        """
        access, tls = Access(settings), Tls.from_settings(settings)
        self._ae.maximum_pdu_size = settings.max_pdu_bytes
        self._server.take_over(settings, access, tls.context if tls else None)
        self.sightings.take_over(settings.scanners)

    def close(self, drain_s: float = 0.0) -> None:
        """Accept nothing more; what is still open after `drain_s` is aborted, and its sender tries again."""
        self._server.close(drain_s)

    def _store(self, association: Any, request: C_STORE, _context: Any) -> int:
        """Keep what one C-STORE request brought; its status. By then nothing of it is decoded."""
        received_at = now()
        uid, sender = request.AffectedSOPInstanceUID, association.requestor
        stream = request.DataSet
        assert isinstance(stream, DataSetStream)
        try:
            spooled = stream.keep(received_at, doubted=self._clock.is_doubted(self._spool.latest))
        except OSError as error:
            _log.error("not stored, %.64s: %s", uid, error)
            return OUT_OF_RESOURCES
        except InputError as error:
            _log.warning("not stored, %.64s: %s", uid, error)
            return CANNOT_UNDERSTAND
        except Exception:
            _log.exception("not stored, %.64s: a fault of the program", uid)
            return PROCESSING_FAILURE
        if spooled is None:
            _log.warning("not stored, %.64s: a request without a data set", uid)
            return CANNOT_UNDERSTAND
        title, scanner = association.dul.proposal.calling.shown, association.acse.scanner
        _log.info("received %.64s, %d bytes, from '%s' at %s", uid, stream.size, title, sender.address)
        self.sightings.stored(scanner)
        try:
            self._stored(replace(spooled, scanner=scanner.name if scanner else ""))
        except Exception:  # it is kept all the same: whoever is told also looks into the spool
            _log.exception("%.64s is stored, and could not be told", uid)
        return SUCCESS
