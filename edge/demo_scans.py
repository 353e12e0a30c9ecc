"""Synthetic scans for the demo: a sector of speckle with a cyst, drawn from a seed. No patient's."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

_HEIGHT, _WIDTH = 480, 640


def write_scans(folder: Path, count: int) -> list[Path]:
    """Write `count` synthetic ultrasound images as DICOM files of one made-up study."""
    study = generate_uid()
    paths = [folder / f"scan-{number}.dcm" for number in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        pixels = draw(number, solid_parts=2 * (number % 2))
        _instance(pixels, study, number).save_as(path, enforce_file_format=True)
    return paths


def draw(seed: int, solid_parts: int) -> NDArray[np.uint8]:
    """(H, W) uint8: a curved sector of tissue with a dark cyst, which may hold solid parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float32)
    radius, angle = np.hypot(x - _WIDTH / 2, y + 90), np.arctan2(x - _WIDTH / 2, y + 90)
    coarse = rng.uniform(0.3, 0.6, (7, 5)).astype(np.float32)
    layers = cv2.resize(coarse, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    parts = [
        cv2.GaussianBlur(rng.normal(size=y.shape).astype(np.float32), (0, 0), 2.2, sigmaY=1.3) for _ in "ab"
    ]
    speckle = np.log1p(8 * np.hypot(*parts))
    tissue = layers * speckle / speckle.mean() * np.exp(-radius / 1500)
    cx, cy = _WIDTH / 2 + rng.uniform(-40, 40), _HEIGHT / 2 + rng.uniform(-30, 30)
    rx, ry = rng.uniform(70, 110), rng.uniform(50, 75)
    wobble = 1 + 0.06 * np.sin(3 * np.arctan2(y - cy, x - cx) + seed)
    cyst = np.hypot((x - cx) / rx, (y - cy) / ry) / wobble
    inside = np.full_like(y, 0.08)
    for at in rng.uniform(0, 2 * np.pi, solid_parts):
        part = np.hypot(x - cx - 0.7 * rx * np.cos(at), y - cy - 0.7 * ry * np.sin(at)) < 0.35 * ry
        inside[part] = 0.8
    soft = cv2.GaussianBlur(np.where(cyst < 1, inside, 1 + 0.4 * (cyst < 1.08)).astype(np.float32), (0, 0), 2)
    behind = ((np.abs(x - cx) < 0.8 * rx) & (y > cy)).astype(np.float32)
    enhanced = 1 + 0.4 * cv2.GaussianBlur(behind, (0, 0), 14)  # a cyst lets more sound through
    sector = (radius > 120) & (radius < 530) & (np.abs(angle) < 0.62)
    return np.asarray(np.clip(255 * tissue * soft * enhanced, 0, 255) * sector, np.uint8)


def _instance(pixels: NDArray[np.uint8], study: str, number: int) -> Dataset:
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.SOPClassUID, instance.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
    instance.StudyInstanceUID, instance.SeriesInstanceUID = study, generate_uid()
    instance.PatientName, instance.PatientID = "Synthetic^Scan", "SYNTHETIC"
    instance.Modality, instance.Manufacturer, instance.InstanceNumber = "US", "scanside demo", number
    instance.ImageComments = "Synthetic: drawn by a program, no patient's."
    instance.Rows, instance.Columns = pixels.shape
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 1, "MONOCHROME2"
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    instance.PixelData = pixels.tobytes()
    return instance
