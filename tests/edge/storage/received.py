"""Images in a spool as the receiver leaves them, without a network."""

from pathlib import Path

import pydicom
from pynetdicom.dsutils import create_file_meta

from edge.protocol.row import now
from edge.storage.spool import Spool, Spooled


def receive(
    spool: Spool, path: Path, received_at: str = "", sender: str = "", *, doubted: bool = False
) -> Spooled:
    """Keep the data set of a DICOM file, byte for byte, as sent from the address `sender`."""
    sent = pydicom.dcmread(path, stop_before_pixels=True)
    meta = create_file_meta(
        sop_class_uid=sent.SOPClassUID,
        sop_instance_uid=sent.SOPInstanceUID,
        transfer_syntax=sent.file_meta.TransferSyntaxUID,
    )
    if sender:
        meta.SourcePresentationAddress = f"dicom://{sender}:104"
    arrival = spool.begin(meta)
    arrival.write(path.read_bytes()[144 + sent.file_meta.FileMetaInformationGroupLength :])
    return spool.keep(arrival, received_at or now(), doubted=doubted)
