"""Synthetic frames as DICOM objects of several makers. Every name in them says that it is synthetic."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

import cv2
import gdcm
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from scanside.image import Box

Pixels = NDArray[np.uint8]


class Photometric(str, Enum):
    """How ultrasound machines store colour (PS3.3 C.7.6.3.1.2)."""

    MONOCHROME1 = "MONOCHROME1"
    MONOCHROME2 = "MONOCHROME2"
    RGB = "RGB"
    YBR_FULL = "YBR_FULL"
    YBR_FULL_422 = "YBR_FULL_422"
    PALETTE = "PALETTE COLOR"


@dataclass(frozen=True)
class Maker:
    """How one maker's machines write their objects."""

    manufacturer: str
    model: str
    photometric: Photometric
    syntax: UID
    declares_region: bool


MAKERS = (
    Maker("GE Healthcare", "Voluson E10", Photometric.RGB, ExplicitVRLittleEndian, True),
    Maker("Philips Medical Systems", "Affiniti 70W", Photometric.PALETTE, ExplicitVRLittleEndian, True),
    Maker("Samsung Medison", "HERA W10", Photometric.YBR_FULL_422, JPEGBaseline8Bit, True),
    Maker("Mindray", "Resona I9", Photometric.RGB, RLELossless, True),
    Maker("Canon Medical Systems", "Aplio i800", Photometric.YBR_FULL, ImplicitVRLittleEndian, False),
    Maker("Esaote", "MyLab X8", Photometric.MONOCHROME2, ExplicitVRLittleEndian, False),
)

NATIVE = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


@dataclass(frozen=True)
class Patient:
    """Whose study an object claims to be of; obviously nobody's."""

    name: str = "SYNTHETIC^CASE"
    id: str = "SYN-0001"
    study: UID = field(default_factory=generate_uid)


def make_instance(
    frames: Sequence[Pixels],
    *,
    maker: Maker = MAKERS[0],
    photometric: Photometric | None = None,
    syntax: UID | None = None,
    regions: Sequence[Dataset] = (),
    patient: Patient | None = None,
    multi_frame: bool | None = None,
) -> FileDataset:
    """Wrap RGB frames of one size, (H, W, 3) uint8, as one ultrasound instance.

    Args:
        photometric, syntax: the maker's own when not given.
        regions: items of the Sequence of Ultrasound Regions; see `region`.
        multi_frame: whether it is of the multi-frame class; else by the number of frames.

    Raises:
        ValueError: the combination is none that DICOM allows or that can be written here.
    """
    photometric = photometric or maker.photometric
    syntax = syntax or maker.syntax
    patient = patient or Patient()
    multi_frame = len(frames) > 1 if multi_frame is None else multi_frame
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage if multi_frame else UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    instance = FileDataset(
        "",
        {},
        file_meta=meta,
        preamble=bytes(128),
        is_implicit_VR=syntax.is_implicit_VR,
        is_little_endian=syntax.is_little_endian,
    )
    instance.SOPClassUID = meta.MediaStorageSOPClassUID
    instance.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    instance.StudyInstanceUID, instance.SeriesInstanceUID = patient.study, generate_uid()
    instance.PatientName, instance.PatientID = patient.name, patient.id
    instance.PatientBirthDate, instance.PatientSex = "19700101", "F"
    examined = datetime.now()  # an exam of another day is shown otherwise
    instance.StudyDate, instance.StudyTime = f"{examined:%Y%m%d}", f"{examined:%H%M%S}"
    instance.StudyID, instance.AccessionNumber, instance.ReferringPhysicianName = "1", "", ""
    instance.SeriesNumber, instance.InstanceNumber = 1, 1
    instance.Modality, instance.ImageType = "US", ["ORIGINAL", "PRIMARY"]
    instance.Manufacturer, instance.ManufacturerModelName = maker.manufacturer, maker.model
    if multi_frame:
        instance.NumberOfFrames = len(frames)
        instance.FrameTime = 40.0
        instance.FrameIncrementPointer = 0x00181063
    if regions:
        instance.SequenceOfUltrasoundRegions = list(regions)
    _write_pixels(instance, frames, photometric, syntax)
    return instance


def region(box: Box, *, spatial_format: int = 1, data_type: int = 1) -> Dataset:
    """One item of the Sequence of Ultrasound Regions (PS3.3 C.8.5.5); by default 2D tissue."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial_format, data_type, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = box.x0, box.y0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = box.x1 - 1, box.y1 - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3  # cm
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.02
    return item


def box_around(mask: NDArray[np.bool_]) -> Box:
    """The smallest box that holds a mask."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return Box(x, y, x + width, y + height)


def save(instance: FileDataset, path: Path) -> Path:
    """Write a Part 10 file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of what some tests write on purpose
        instance.save_as(path, enforce_file_format=True)
    return path


def transcode(source: Path, target: Path, syntax: UID) -> Path:
    """Write the file `source` again in another transfer syntax, by GDCM.

    Raises:
        ValueError: GDCM can't.
    """
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    if not reader.Read():
        raise ValueError(f"GDCM can't read {source}")
    change.SetInput(reader.GetImage())
    if not change.Change():
        raise ValueError(f"GDCM can't write {syntax.name}")
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    if not writer.Write():
        raise ValueError(f"GDCM can't write {target}")
    return target


def _write_pixels(
    instance: FileDataset, frames: Sequence[Pixels], photometric: Photometric, syntax: UID
) -> None:
    rows, columns = frames[0].shape[:2]
    colour = photometric in (Photometric.RGB, Photometric.YBR_FULL, Photometric.YBR_FULL_422)
    instance.Rows, instance.Columns = rows, columns
    instance.SamplesPerPixel = 3 if colour else 1
    instance.PhotometricInterpretation = photometric.value
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    if colour:
        instance.PlanarConfiguration = 0
    stored = [_stored(frame, photometric, instance) for frame in frames]
    if syntax in NATIVE:
        if photometric is Photometric.YBR_FULL_422:
            raise ValueError("YBR_FULL_422 is written as JPEG only")
        instance.PixelData = b"".join(frame.tobytes() for frame in stored)
        instance["PixelData"].VR = "OB"
        if len(instance.PixelData) % 2:
            instance.PixelData += b"\0"
        return
    instance.PixelData = encapsulate([_encoded(f, photometric, syntax, instance) for f in stored])
    instance["PixelData"].VR = "OB"
    instance["PixelData"].is_undefined_length = True
    if syntax == JPEGBaseline8Bit:
        instance.LossyImageCompression, instance.LossyImageCompressionMethod = "01", "ISO_10918_1"


def _stored(frame: Pixels, photometric: Photometric, instance: FileDataset) -> Pixels:
    """RGB -> the values that this photometric interpretation stores."""
    if photometric in (Photometric.RGB, Photometric.YBR_FULL_422):  # the JPEG encoder converts the latter
        return frame
    if photometric is Photometric.YBR_FULL:
        return np.asarray(convert_color_space(frame, "RGB", "YBR_FULL"), np.uint8)
    if photometric is Photometric.PALETTE:
        index, table = palette(frame)
        _write_palette(instance, table)
        return index
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    return ~grey if photometric is Photometric.MONOCHROME1 else grey


def palette(frame: Pixels) -> tuple[NDArray[np.uint8], Pixels]:
    """128 greys and 125 colours, as older machines have them.

    Returns:
        Indices (H, W) uint8, and the table (253, 3) uint8 of the colours they stand for.
    """
    greys = np.arange(128, dtype=np.uint8) * 2
    levels = np.array([0, 64, 128, 192, 255], np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    coloured = np.ptp(frame.astype(int), axis=2) > 8
    nearest = np.searchsorted((levels[1:].astype(int) + levels[:-1]) // 2, frame.astype(int))
    index = np.where(coloured, len(greys) + nearest @ np.array([25, 5, 1]), frame[..., 1] // 2)
    return index.astype(np.uint8), np.concatenate([np.repeat(greys[:, None], 3, axis=1), cube])


def _write_palette(instance: FileDataset, table: Pixels) -> None:
    """As 16 bit tables (PS3.3 C.7.6.3.1.6)."""
    word = "<u2" if instance.file_meta.TransferSyntaxUID.is_little_endian else ">u2"
    for name, column in zip(("Red", "Green", "Blue"), table.T, strict=True):
        values = (column.astype(int) * 257).astype(word)
        setattr(instance, f"{name}PaletteColorLookupTableDescriptor", [len(table), 0, 16])
        setattr(instance, f"{name}PaletteColorLookupTableData", values.tobytes())


def _encoded(stored: Pixels, photometric: Photometric, syntax: UID, instance: FileDataset) -> bytes:
    if syntax == JPEGBaseline8Bit:
        if photometric in (Photometric.RGB, Photometric.YBR_FULL, Photometric.PALETTE):
            raise ValueError(f"JPEG is written in grey or as YBR_FULL_422, not as {photometric.value}")
        swapped = stored if stored.ndim == 2 else cv2.cvtColor(stored, cv2.COLOR_RGB2BGR)
        options = [cv2.IMWRITE_JPEG_QUALITY, 95]
        if stored.ndim == 3:
            options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
        encoded = cv2.imencode(".jpg", swapped, options)[1].tobytes()
    elif syntax == RLELossless:
        encoded = RLELosslessEncoder.encode(
            stored.tobytes(),
            encoding_plugin="pydicom",  # takes every size
            rows=instance.Rows,
            columns=instance.Columns,
            samples_per_pixel=instance.SamplesPerPixel,
            bits_allocated=8,
            bits_stored=8,
            number_of_frames=1,
            pixel_representation=0,
            photometric_interpretation=photometric.value,
            **({"planar_configuration": 0} if stored.ndim == 3 else {}),
        )
    else:
        raise ValueError(f"{syntax.name} is written by `transcode`")
    return encoded + b"\0" * (len(encoded) % 2)
