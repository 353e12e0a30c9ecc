"""The DICOM side: C-ECHO and C-STORE (PS3.4 annexes A and B). Success is said once the bytes are durable."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from pynetdicom import AE, evt

from edge.network.access import Access
from edge.network.contexts import as_storage
from edge.network.refusals import Refusals
from edge.network.server import Server
from edge.network.streaming import DataSetStream
from edge.network.tls import Tls
from edge.row import now
from edge.settings import Settings
from edge.storage.spool import Spool, Spooled
from scanside.errors import InputError, SettingError

# PS3.4 table B.2-1, PS3.7 C.4.1
SUCCESS, PROCESSING_FAILURE, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0x0110, 0xA700, 0xC000

_log = logging.getLogger(__name__)


class Receiver:
    """A storage SCP that puts what it receives into `spool`, tells `stored`, and answers.

    Args:
        refusals: told of each connection and association that is not let in.

    Attributes:
        last_contact_at: when it last accepted an association or answered C-ECHO, as in a row; empty before.

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
        self._spool, self._stored = spool, stored
        self.last_contact_at = ""
        access, tls = Access(settings), Tls.from_settings(settings)
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
                [
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_ECHO, self._echo),
                    (evt.EVT_ACCEPTED, self._contact),
                    (evt.EVT_SOP_COMMON, _classes),
                ],
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

    def take_over(self, settings: Settings) -> None:
        """Use `settings` for what comes from now on; address, port, title and the spool stay as they are.

        Raises:
            SettingError: they can't be used, and none is taken over.
        """
        access, tls = Access(settings), Tls.from_settings(settings)
        self._ae.maximum_pdu_size = settings.max_pdu_bytes
        self._server.take_over(settings, access, tls.context if tls else None)

    def close(self, drain_s: float = 0.0) -> None:
        """Accept nothing more; what is still open after `drain_s` is aborted, and its sender tries again."""
        self._server.close(drain_s)

    def _contact(self, _event: Any) -> None:
        self.last_contact_at = now()

    def _echo(self, event: Any) -> int:
        """Answer one C-ECHO request (PS3.4 annex A)."""
        self._contact(event)
        return SUCCESS

    def _store(self, event: Any) -> int:
        """Answer one C-STORE request; by then nothing of it is decoded."""
        received_at = now()
        request, sender = event.request, event.assoc.requestor
        stream: DataSetStream = request.DataSet
        try:
            spooled = stream.keep(received_at)
            if spooled is None:
                return CANNOT_UNDERSTAND
            self._stored(spooled)
        except OSError as error:
            _log.error("not stored, %.64s: %s", request.AffectedSOPInstanceUID, error)
            return OUT_OF_RESOURCES
        except InputError as error:
            _log.warning("not stored, %.64s: %s", request.AffectedSOPInstanceUID, error)
            return CANNOT_UNDERSTAND
        except Exception:
            _log.exception("not stored, %.64s: a fault of the program", request.AffectedSOPInstanceUID)
            return PROCESSING_FAILURE
        _log.info(
            "received %.64s, %d bytes, from %r at %s",
            spooled.sop_instance_uid,
            stream.size,
            sender.ae_title,
            sender.address,
        )
        return SUCCESS


def _classes(event: Any) -> Any:
    return as_storage(event.assoc.requestor.primitive.presentation_context_definition_list)
