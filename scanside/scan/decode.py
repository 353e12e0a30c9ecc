"""A DICOM instance from outside -> its header and its frames, one frame decoded at a time."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from scanside.errors import NoTissue, Unreadable
from scanside.scan.types import Frame

# PS3.4 B.5 and B.6: ultrasound image and multi-frame image storage, current and retired.
ULTRASOUND_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2.840.10008.5.1.4.1.1.6",
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.3",
    }
)

MAX_FRAME_PIXELS = 8192 * 8192  # no ultrasound machine comes near; a header that claims more lies
_LARGE_VALUE_BYTES = 64 * 1024  # values above this (pixel data, private blobs) stay on disk


@dataclass(frozen=True)
class Instance:
    """The header of one ultrasound instance; its pixel data stay on disk until a frame is asked for.

    Attributes:
        path: the file.
        header: every attribute but large values.
        frame_count: number of frames, at least 1.
    """

    path: Path
    header: FileDataset
    frame_count: int

    def frame(self, index: int = 0) -> Frame:
        """Decode one frame to 8 bit grey or RGB (PS3.3 C.7.6.3.1.2).

        Raises:
            Unreadable: the pixel data are truncated, or no decoder takes them.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # each is either harmless or raised below
                stored = pixel_array(self.header if _is_deflated(self.header) else self.path, index=index)
                return Frame(_to_8_bit(stored, self.header), index)
        # Codecs and pydicom raise whatever they like on hostile bytes; lack of memory is no fault of theirs.
        except MemoryError:
            raise
        except Exception as error:
            raise Unreadable(
                f"frame {index + 1} of {self.path.name} can't be decoded "
                f"({_syntax_name(self.header)}): {' '.join(str(error).split())}. "
                "Send it uncompressed to compare."
            ) from error


def open_instance(path: Path) -> Instance:
    """Read the header of the DICOM file at `path` and check that it is an ultrasound image.

    Raises:
        Unreadable: not a DICOM file, a damaged header, no pixel data, a video or another transfer syntax
            without decoder, or an impossible size.
        NoTissue: a DICOM object that is not an ultrasound image.
    """
    header = _read_header(path)
    sop_class = str(header.get("SOPClassUID", ""))
    if not sop_class:  # pydicom gives nothing at all where compressed pixel data end too early
        raise Unreadable(f"{path.name} has no SOP class: it is truncated or damaged. Send it again.")
    if sop_class not in ULTRASOUND_CLASSES:
        uid = UID(sop_class, validation_mode=pydicom.config.IGNORE)
        name = uid.name if uid.is_valid else "an unknown SOP class"
        modality = f", modality {header.Modality}" if header.get("Modality") else ""
        raise NoTissue(f"not an ultrasound image: {name}{modality}")
    if "PixelData" not in header:
        raise Unreadable(f"{path.name} has no pixel data. Send the image, not only its header.")
    if not _is_decodable(header):
        raise Unreadable(
            f"no decoder for {_syntax_name(header)}. Set the machine to send uncompressed images or JPEG."
        )
    return Instance(path, header, _frame_count(header, path))


def _read_header(path: Path) -> FileDataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, defer_size=_LARGE_VALUE_BYTES)
            if _is_deflated(header):  # places in it are not places on disk: nothing can be left there
                header = pydicom.dcmread(path)
            _parse(header)
            return header
    except InvalidDicomError:
        raise Unreadable(f"{path.name} is not a DICOM file (no 'DICM' after the preamble).") from None
    except FileNotFoundError:
        raise Unreadable(f"{path} does not exist. Check the path.") from None
    except OSError as error:
        raise Unreadable(f"{path} can't be read: {error.strerror or error}.") from error
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable(f"the header of {path.name} is damaged: {error}") from error


def _parse(dataset: Dataset) -> None:
    """Parse every value now, so that a damaged one is found here and not where it is used.

    pydicom parses on first access. Private elements, and values left on disk, stay as they are.
    """
    for tag in list(dataset.keys()):
        raw = cast(RawDataElement, dataset.get_item(tag, keep_deferred=True))
        on_disk = raw.is_raw and raw.value is None and raw.length > 0
        if tag.is_private or on_disk:
            continue
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                _parse(item)


def _frame_count(header: FileDataset, path: Path) -> int:
    try:
        rows, columns = int(header.Rows), int(header.Columns)
        frames = int(header.get("NumberOfFrames") or 1)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unreadable(f"{path.name} does not say how large its image is: {error}") from error
    if not (rows > 0 and columns > 0 and frames > 0 and rows * columns <= MAX_FRAME_PIXELS):
        raise Unreadable(f"{path.name} claims {frames} frames of {rows} x {columns} px: not possible.")
    return frames


def _to_8_bit(stored: NDArray[np.generic], header: FileDataset) -> NDArray[np.uint8]:
    """Stored values -> what a screen shows: palette, modality and VOI LUT, polarity, 8 bit."""
    photometric = str(header.PhotometricInterpretation)
    if photometric == "PALETTE COLOR":
        colours = apply_color_lut(stored, header)
        return np.asarray(colours >> 8 if colours.dtype == np.uint16 else colours, np.uint8)
    if stored.ndim == 3:
        return _scaled(stored, 0, 2 ** int(header.BitsStored) - 1)
    if stored.dtype == np.uint8 and not ({"WindowWidth", "VOILUTSequence"} & set(header.dir())):
        grey = np.asarray(stored, np.uint8)
    else:
        shown = np.asarray(apply_voi_lut(stored, header), np.float64)
        grey = _scaled(shown, *_display_range(shown, header))
    return ~grey if photometric == "MONOCHROME1" else grey


def _display_range(shown: NDArray[np.float64], header: FileDataset) -> tuple[float, float]:
    """Range of the values that `apply_voi_lut` returns: that of the stored bits, by PS3.3 C.11.2."""
    bits = int(header.BitsStored)
    signed = int(header.get("PixelRepresentation", 0)) == 1
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return (min(low, float(shown.min())), max(high, float(shown.max())))


def _scaled(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return np.asarray(values, np.uint8)
    span = np.asarray(values, np.float64) - low
    return np.asarray(np.clip(np.rint(span * (255 / (high - low))), 0, 255), np.uint8)


def _is_decodable(header: FileDataset) -> bool:
    syntax = _syntax(header)
    if syntax is None:
        return False
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _is_deflated(header: FileDataset) -> bool:
    return bool(_syntax(header) == DeflatedExplicitVRLittleEndian)


def _syntax(header: FileDataset) -> UID | None:
    uid = getattr(header, "file_meta", {}).get("TransferSyntaxUID")
    return UID(uid, validation_mode=pydicom.config.IGNORE) if uid else None


def _syntax_name(header: FileDataset) -> str:
    uid = _syntax(header)
    return uid.name if uid else "no transfer syntax"
