"""A data set goes to the disk as it arrives, fragment by fragment; none is ever whole in memory.

pynetdicom's own STORE_RECV_CHUNKED_DATASET writes into the system's temporary folder, mostly another file
system, from where no rename leads into the spool. Instead the messages of an association
(edge/network/stack.py) hold a stream in place of the buffer, which also removes what a dead sender began.
"""

import threading
from io import BytesIO
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import FileMetaDataset
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dsutils import create_file_meta

from edge.network.services import first, stored_class
from edge.storage.spool import Arrival, Spool, Spooled
from scanside.errors import InputError

# Each piece is hashed, written and finds room. Fragments shorter than that (16 kB are common) are collected.
_PIECE_BYTES = 1 << 16


class DataSetStream(BytesIO):
    """What pynetdicom takes for the buffer of a message's data set; it stays empty itself.

    Its first fragment opens a file of the spool. A problem is kept for whoever answers the request: raised
    here, it would end the thread that reads the socket.
    """

    def __init__(self, message: DIMSEMessage, association: Any, spool: Spool) -> None:
        super().__init__()
        self._message, self._association, self._spool = message, association, spool
        self._lock = threading.Lock()
        self._arrival: Arrival | None = None
        self._problem: Exception | None = None
        self._ended = False
        self._waiting = bytearray()
        self.size = 0

    def write(self, data: Any) -> int:
        with self._lock:
            if self._problem is None and not self._ended:
                try:
                    if self._arrival is None:
                        self._arrival = self._spool.begin(_meta(self._message, self._association))
                    self.size += len(data)
                    if not self._waiting and len(data) >= _PIECE_BYTES:
                        self._arrival.write(data)  # not copied
                    else:
                        self._waiting += data
                        if len(self._waiting) >= _PIECE_BYTES:
                            self._flush(self._arrival)
                except Exception as error:  # a full disk, or a command set of a stranger's making
                    self._problem = error
                    self._discard()
        return len(data)

    def keep(self, received_at: str, *, doubted: bool) -> Spooled | None:
        """Make what arrived durable; None when nothing did. Arguments are as those of `Spool.keep`.

        Raises:
            OSError: it could not be stored, or the sender is gone; nothing is left behind.
            InputError: its command set makes no sense.
        """
        with self._lock:
            if isinstance(self._problem, OSError):
                raise self._problem
            if self._problem is not None:
                raise InputError(f"the request can't be understood: {self._problem}") from self._problem
            if self._ended:
                raise OSError("the association ended")
            if self._arrival is not None:
                try:
                    self._flush(self._arrival)
                except OSError:
                    self._discard()
                    raise
            self._ended = True
            if self._arrival is None:
                return None
            return self._spool.keep(self._arrival, received_at, doubted=doubted)

    def discard(self) -> None:
        """Forget what arrived, unless it was kept."""
        with self._lock:
            if not self._ended:
                self._discard()

    @property
    def ended(self) -> bool:
        return self._ended

    def _flush(self, arrival: Arrival) -> None:
        arrival.write(self._waiting)
        self._waiting = bytearray()

    def _discard(self) -> None:
        self._ended = True
        self._waiting = bytearray()
        if self._arrival is not None:
            self._arrival.discard()


def _meta(message: DIMSEMessage, association: Any) -> FileMetaDataset:
    """PS3.10 file meta information, with who sent it (0002,0016 to 0026).

    Values come from a stranger: they are written as they are, not judged.

    Raises:
        Exception: whatever pydicom raises when the command set is missing or makes no sense.
    """
    command, sender, proposal = message.command_set, association.requestor, association.dul.proposal
    context = association._accepted_cx[message.context_id]
    uid = first(command.AffectedSOPInstanceUID)
    meta = create_file_meta(
        sop_class_uid=stored_class(first(command.AffectedSOPClassUID), context),
        sop_instance_uid=uid,
        transfer_syntax=context.transfer_syntax[0],
    )
    calling, called = proposal.calling.text, proposal.called.text
    host = f"[{sender.address}]" if ":" in str(sender.address) else str(sender.address)
    values = [
        (0x00020003, "UI", str(uid)),
        (0x00020016, "AE", calling),
        (0x00020017, "AE", calling),
        (0x00020018, "AE", called),
        (0x00020026, "UR", f"dicom://{host}:{sender.port}"),
    ]
    for tag, representation, value in values:
        meta[tag] = DataElement(tag, representation, value, validation_mode=0)
    return meta
