"""An ultrasound instance from outside, or a copy of an ultrasound machine's screen, opened as an image."""

from dataclasses import replace
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from scanside.dicom.header import advice, read_header
from scanside.dicom.instance import Instance, open_image
from scanside.dicom.undecodable import Truncated, Undecodable
from scanside.errors import NoTissue, Unreadable
from scanside.flags import Flag
from scanside.scan.secondary_capture import MULTI_FRAME_COPIES, SECONDARY_CAPTURE_CLASSES, refuse_copy

# PS3.4 B.5 and B.6: ultrasound image and multi-frame image storage, current and retired.
_MULTI_FRAME = frozenset({"1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.3"})
ULTRASOUND_CLASSES = _MULTI_FRAME | {"1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.6"}
_DICOMDIR = "1.2.840.10008.1.3.10"


def open_instance(path: Path, *, secondary_capture: bool = False) -> Instance:
    """Read the header of the DICOM file at `path` and check that it is an ultrasound image.

    Args:
        secondary_capture: take a copy of a screen of an ultrasound machine, too.

    Raises:
        Unreadable: not a DICOM file, a damaged header, no pixel data or fewer than it claims, a transfer
            syntax without decoder, or an impossible size.
        NoTissue: a DICOM object that is not an ultrasound image.
    """
    read = read_header(path)
    sop_class = _check_class(read.attributes, path, read.pixels is not None, secondary_capture)
    instance = open_image(path, read, multi_frame=sop_class in _MULTI_FRAME | MULTI_FRAME_COPIES)
    if sop_class not in SECONDARY_CAPTURE_CLASSES:
        return instance
    return replace(instance, header_flags=instance.header_flags | {Flag.SECONDARY_CAPTURE})


def _check_class(header: FileDataset, path: Path, has_pixels: bool, secondary_capture: bool) -> str:
    """The SOP class, one of ultrasound, or of a copy of its screen that is to be taken.

    Args:
        has_pixels: whether the header goes on to Pixel Data, so that nothing is missing at its end.

    Raises:
        Unreadable: there is none.
        NoTissue: it is another, or a copy that is not taken.
    """
    sop_class = str(header.get("SOPClassUID") or "")
    if not sop_class:
        if header.file_meta.get("MediaStorageSOPClassUID") == _DICOMDIR:
            raise NoTissue("this is a DICOMDIR, an index of files: send the images themselves")
        error = Undecodable() if has_pixels else Truncated()
        raise Unreadable(f"{path.name} has no SOP class: nobody can tell what it is. {advice(error)}")
    if sop_class in SECONDARY_CAPTURE_CLASSES:
        if reason := refuse_copy(header, secondary_capture):
            raise NoTissue(reason)
    elif sop_class not in ULTRASOUND_CLASSES:
        uid = UID(sop_class, validation_mode=pydicom.config.IGNORE)
        name = uid.name if uid.is_valid else "an unknown SOP class"
        raise NoTissue(f"not an ultrasound image: {name}")
    return sop_class
