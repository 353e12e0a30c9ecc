"""The DICOM side: C-ECHO and C-STORE (PS3.4 annexes A and B). Success is said once the bytes are durable."""

import logging
import time
from collections.abc import Callable
from typing import Any

from pynetdicom import (
    AE,
    ALL_TRANSFER_SYNTAXES,
    AllStoragePresentationContexts,
    evt,
    register_uid,
)
from pynetdicom.service_class import StorageServiceClass
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made when imported

from edge.row import now
from edge.settings import Settings
from edge.spool import Spool, Spooled
from edge.streaming import DataSetStream, StreamingProvider
from scanside.errors import SettingError

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000  # PS3.4 table B.2-1

_RETIRED_ULTRASOUND = {
    "UltrasoundImageStorageRetired": "1.2.840.10008.5.1.4.1.1.6",
    "UltrasoundMultiFrameImageStorageRetired": "1.2.840.10008.5.1.4.1.1.3",
}
# Syntaxes whose data set only points at pixels elsewhere (JPIP) or streams them (SMPTE ST 2110).
_NO_PIXELS = tuple(
    f"1.2.840.10008.1.2.{end}" for end in ("4.94", "4.95", "4.204", "4.205", "7.1", "7.2", "7.3")
)
# Where one context offers several, the first here is taken: without loss before lossy.
_FIRST = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5")

_log = logging.getLogger(__name__)


class Receiver:
    """A storage SCP that puts what it receives into `spool`, tells `stored`, and answers.

    Args:
        refused: told the calling AE title and the address of each association that is rejected.

    Raises:
        SettingError: the port can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        stored: Callable[[Spooled], None],
        refused: Callable[[str, str], None] = lambda _calling, _address: None,
    ) -> None:
        self._spool, self._stored, self._refused = spool, stored, refused
        self._ae = _application_entity(settings)
        try:
            self._server = self._ae.start_server(
                (settings.host, settings.port),
                block=False,
                evt_handlers=[
                    (evt.EVT_REQUESTED, self._requested),
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_CONN_CLOSE, _closed),
                    (evt.EVT_REJECTED, self._rejected),
                ],
            )
        except (OSError, OverflowError) as error:
            raise SettingError(
                f"can't listen on {settings.host} port {settings.port}: {error}. "
                "Choose another with --port, or stop the program that uses it."
            ) from error

    @property
    def port(self) -> int:
        assert self._server is not None  # a server that does not block
        return int(self._server.server_address[1])

    def close(self, drain_s: float = 0.0) -> None:
        """Accept nothing more; what is still open after `drain_s` is aborted, and its sender tries again."""
        assert self._server is not None
        self._server.shutdown()
        end = time.monotonic() + drain_s
        while self._ae.active_associations and time.monotonic() < end:
            time.sleep(0.05)
        self._ae.shutdown()

    def _requested(self, event: Any) -> None:
        event.assoc.dimse = StreamingProvider(event.assoc, self._spool)

    def _rejected(self, event: Any) -> None:
        sender = event.assoc.requestor
        self._refused(str(sender.ae_title), str(sender.address))

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
            _log.error("not stored, %s: %s", request.AffectedSOPInstanceUID, error)
            return OUT_OF_RESOURCES
        _log.info(
            "received %s, %d bytes, from %r at %s",
            spooled.sop_instance_uid,
            stream.size,
            sender.ae_title,
            sender.address,
        )
        return SUCCESS


def _closed(event: Any) -> None:
    if isinstance(event.assoc.dimse, StreamingProvider):
        event.assoc.dimse.discard()


def _application_entity(settings: Settings) -> AE:
    ae = AE(settings.ae_title)
    ae.maximum_associations = settings.max_associations
    ae.maximum_pdu_size = settings.max_pdu_bytes
    ae.network_timeout = settings.association_timeout_s
    for keyword, uid in _RETIRED_ULTRASOUND.items():
        register_uid(uid, keyword, StorageServiceClass)
    rest = [uid for uid in ALL_TRANSFER_SYNTAXES if uid not in _FIRST + _NO_PIXELS]
    storage = [context.abstract_syntax for context in AllStoragePresentationContexts]
    for uid in [Verification, *storage, *_RETIRED_ULTRASOUND.values()]:
        ae.add_supported_context(uid, [*_FIRST, *rest])
    return ae
