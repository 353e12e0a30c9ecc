"""A drawn picture as a DICOM object of the demo's made-up patient (PS3.3 A.6, A.7)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from scanside.phantom.sweep import Pixels

_SPATIAL_2D, _SPATIAL_SPECTRUM = 1, 3  # PS3.3 C.8.5.5.1.1
_TISSUE, _PULSED_SPECTRUM = 1, 3  # PS3.3 C.8.5.5.1.2
_CENTIMETRES, _SECONDS, _CM_PER_SECOND = 3, 4, 7  # PS3.3 C.8.5.5.1.15
_CM_PER_PX = 0.018


@dataclass(frozen=True)
class Study:
    """What all images of one exam share."""

    began: datetime
    uid: str = field(default_factory=generate_uid)
    stills: str = field(default_factory=generate_uid)
    cines: str = field(default_factory=generate_uid)


def image(pixels: Pixels, study: Study, number: int, after_s: float, side: str) -> Dataset:
    """A still, (H, W, 3), or a cine, (frames, H, W, 3).

    Args:
        number: Instance Number.
        after_s: seconds from the study's beginning to this image.
        side: Image Laterality: "L" or "R".
    """
    taken = study.began + timedelta(seconds=after_s)
    cine = pixels.ndim == 4
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.SOPClassUID = UltrasoundMultiFrameImageStorage if cine else UltrasoundImageStorage
    instance.SOPInstanceUID = generate_uid()
    _about(instance, study, taken)
    instance.SeriesInstanceUID = study.cines if cine else study.stills
    instance.SeriesNumber, instance.InstanceNumber = 2 if cine else 1, number
    instance.ImageLaterality = side
    if cine:
        instance.NumberOfFrames, instance.FrameTime = len(pixels), "62.5"
        instance.FrameIncrementPointer = 0x00181063
    instance.Rows, instance.Columns = pixels.shape[-3:-1]
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 3, "RGB"
    instance.PlanarConfiguration = 0
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    instance.PixelData = pixels.tobytes()
    return instance


def _about(instance: Dataset, study: Study, taken: datetime) -> None:
    instance.PatientName, instance.PatientID = "Synthetic^Exam", "SYNTHETIC"
    instance.PatientBirthDate, instance.PatientSex = "", "F"
    instance.StudyInstanceUID, instance.StudyID = study.uid, "1"
    instance.AccessionNumber, instance.ReferringPhysicianName = "", ""
    instance.StudyDate = instance.SeriesDate = f"{study.began:%Y%m%d}"
    instance.StudyTime = instance.SeriesTime = f"{study.began:%H%M%S}"
    instance.ContentDate = instance.AcquisitionDate = f"{taken:%Y%m%d}"
    instance.ContentTime = instance.AcquisitionTime = f"{taken:%H%M%S.%f}"
    instance.StudyDescription = "Transvaginal ultrasound of the ovaries, synthetic"
    instance.Modality, instance.Manufacturer = "US", "scanside demo"
    instance.ImageType = ["ORIGINAL", "PRIMARY"]
    instance.ImageComments = "Synthetic: drawn by a program, no patient's."


def declare_scan(instance: Dataset) -> None:
    """Say, as machines do, that the whole picture is a 2D scan of tissue."""
    _declare(instance, _SPATIAL_2D, _TISSUE, (_CENTIMETRES, _CENTIMETRES), (_CM_PER_PX, _CM_PER_PX))


def declare_spectrum(instance: Dataset) -> None:
    """Say that the whole picture is a Doppler spectrum."""
    _declare(instance, _SPATIAL_SPECTRUM, _PULSED_SPECTRUM, (_SECONDS, _CM_PER_SECOND), (0.0068, 0.11))


def _declare(
    instance: Dataset, spatial: int, data: int, units: tuple[int, int], per_px: tuple[float, float]
) -> None:
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = spatial, data, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = instance.Columns - 1, instance.Rows - 1
    region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = units
    region.PhysicalDeltaX, region.PhysicalDeltaY = per_px
    instance.SequenceOfUltrasoundRegions = [region]
