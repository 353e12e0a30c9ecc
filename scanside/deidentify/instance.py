"""An instance's file -> a file of the same scan with nobody's name in it, one frame in memory at a time."""

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRLittleEndian

from scanside.deidentify.burned_in import TextRule, TextSeen, clean_text
from scanside.deidentify.header import clean_header, state_method
from scanside.deidentify.identity import identity_of
from scanside.deidentify.key import Key
from scanside.deidentify.pixels import blank_outside_tissue
from scanside.deidentify.text import default_text_finder
from scanside.dicom.instance import Instance
from scanside.errors import NoTissue, Unreadable
from scanside.scan.instance import open_instance

_MAX_PIXEL_BYTES = 2**32 - 2  # what a native pixel data element can hold


@dataclass(frozen=True)
class Deidentified:
    """What became of an instance.

    Attributes:
        path: the new file, in the folder that was asked for.
        place: where it belongs: pseudonym / study / instance, all of them new.
        frames: how many frames it has.
        black_frames: how many of these are all black, since no scan was found in them.
        text: what was found on the tissue, and what became of it.
    """

    path: Path
    place: PurePath
    frames: int
    black_frames: int
    text: TextSeen


def deidentify(source: Path, folder: Path, key: Key, rule: TextRule | None = None) -> Deidentified:
    """Write the instance at `source` anew into `folder`, without identity; nothing is left there on failure.

    Written are the attributes of attributes.py and the decoded frames, black outside the tissue, as
    MONOCHROME2 or RGB in Explicit VR Little Endian.

    Args:
        rule: what becomes of text on the tissue; when not given, it is blacked out, and nobody reads it.

    Raises:
        NoTissue: not an ultrasound image, or no scan in any frame: text could stay unseen.
        TextOnTissue: text lies on the tissue, and the rule refuses it, or it can't all be blacked out.
        Unreadable: damaged, undecodable, or frames of different kinds.
    """
    instance = open_instance(source)
    clean = clean_header(instance.header, key)
    clean.SOPClassUID = instance.header.SOPClassUID
    path = folder / f"{clean.SOPInstanceUID}.dcm"
    with tempfile.TemporaryFile(dir=folder) as pixels:
        shape, black = _write_frames(instance, pixels)
        frames = np.memmap(pixels, np.uint8, "r+", shape=(instance.frame_count, *shape))
        text = clean_text(frames, identity_of(instance.header), rule or TextRule(default_text_finder()))
        frames.flush()
        pixels.seek(0)
        _describe(clean, instance, shape)
        state_method(clean, pixels_are_clean=not text.is_left)
        clean["PixelData"] = DataElement("PixelData", "OB", pixels)
        try:
            _part_10(clean).save_as(path, enforce_file_format=True)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    place = PurePath(str(clean.PatientID), str(clean.StudyInstanceUID), path.name)
    return Deidentified(path, place, instance.frame_count, black, text)


def _write_frames(instance: Instance, pixels: IO[bytes]) -> tuple[tuple[int, ...], int]:
    """Write each frame, cleaned; returns their common shape and the number of black ones."""
    shape: tuple[int, ...] = ()
    black, reason = 0, None
    for index in range(instance.frame_count):
        frame = instance.frame(index)
        shape = shape or frame.pixels.shape
        if frame.pixels.shape != shape:
            raise Unreadable(f"frame {index + 1} is {frame.pixels.shape}, the first is {shape}.")
        if frame.pixels.nbytes * instance.frame_count > _MAX_PIXEL_BYTES:
            raise Unreadable(f"{instance.frame_count} frames are too many for one file. Split the cine.")
        try:
            cleaned: NDArray[np.uint8] = blank_outside_tissue(frame, instance.header)
        except NoTissue as error:
            cleaned, black, reason = np.zeros_like(frame.pixels), black + 1, error
        pixels.write(cleaned.tobytes())
    if reason and black == instance.frame_count:
        raise reason
    if pixels.tell() % 2:
        pixels.write(b"\0")
    pixels.flush()
    return shape, black


def _describe(clean: Dataset, instance: Instance, shape: tuple[int, ...]) -> None:
    """The image pixel module of what was written (PS3.3 C.7.6.3), and what was done to it."""
    header = instance.header
    colour = len(shape) == 3
    clean.Rows, clean.Columns = shape[:2]
    clean.SamplesPerPixel = 3 if colour else 1
    clean.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        clean.PlanarConfiguration = 0
    clean.BitsAllocated, clean.BitsStored, clean.HighBit, clean.PixelRepresentation = 8, 8, 7, 0
    if "NumberOfFrames" in header or instance.frame_count > 1:
        clean.NumberOfFrames = instance.frame_count
        times = [name for name in ("FrameTime", "FrameTimeVector") if name in clean]
        if times:
            clean.FrameIncrementPointer = clean[times[0]].tag
    kind = header.get("ImageType")
    secondary = isinstance(kind, MultiValue) and "SECONDARY" in kind[1:2]
    clean.ImageType = ["DERIVED", "SECONDARY" if secondary else "PRIMARY"]


def _part_10(clean: Dataset) -> FileDataset:
    """A new preamble and file meta: the old ones name applications and machines."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = clean.SOPClassUID
    meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return FileDataset("", clean, preamble=bytes(128), file_meta=meta)
