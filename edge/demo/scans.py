"""Synthetic scans for the demo, no patient's: tissue in a transvaginal sector with a cyst, from a seed."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

_HEIGHT, _WIDTH = 480, 640
_BEAMS = 512
_EDGE = np.deg2rad(62)


def write_scans(folder: Path, count: int) -> list[Path]:
    """Write `count` synthetic ultrasound images as DICOM files of one made-up study."""
    study = generate_uid()
    paths = [folder / f"scan-{number}.dcm" for number in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        pixels = draw(number, solid_parts=0 if number % 2 else 9)
        _instance(pixels, study, number).save_as(path, enforce_file_format=True)
    return paths


def draw(seed: int, solid_parts: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB: a wide sector of tissue with a measured dark cyst, which may hold solid parts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:_HEIGHT, :_WIDTH].astype(np.float32)
    depth, angle = (np.hypot(x - _WIDTH / 2, y + 41) - 71) / 436, np.arctan2(x - _WIDTH / 2, y + 41) / _EDGE
    column, row = ((angle + 1) * _BEAMS / 2).astype(np.float32), (depth * _BEAMS).astype(np.float32)
    tissue = cv2.remap(_echoes(rng), column, row, cv2.INTER_LINEAR)
    cx, cy = _WIDTH / 2 + rng.uniform(-50, 50), _HEIGHT / 2 + rng.uniform(-25, 25)
    rx, ry = rng.uniform(120, 165), rng.uniform(88, 115)
    around = np.arctan2(y - cy, x - cx)
    edge = 1 + 0.05 * np.sin(3 * around + seed) + 0.03 * np.sin(5 * around + 2 * seed)
    cyst = np.hypot((x - cx) / rx, (y - cy) / ry) / edge
    inside = np.full_like(y, 0.15)
    for at in rng.uniform(0, 2 * np.pi, solid_parts):
        inside[np.hypot(x - cx - 0.7 * rx * np.cos(at), y - cy - 0.7 * ry * np.sin(at)) < 0.4 * ry] = 0.75
    wall = 1 + np.exp(-(((cyst - 1.06) / 0.06) ** 2))
    brightness = cv2.GaussianBlur(np.where(cyst < 1, inside, wall).astype(np.float32), (0, 0), 2.5)
    behind = ((np.abs(x - cx) < 0.8 * rx) & (y > cy)).astype(np.float32)
    enhanced = 1 + 1.2 * cv2.GaussianBlur(behind, (0, 0), 22)  # a cyst lets more sound through
    shown = cv2.GaussianBlur(np.clip(tissue * brightness * enhanced, 0, 1) ** 0.77, (0, 0), 0.8)
    sector = (depth > 0) & (depth < 1) & (np.abs(angle) < 1)
    pixels = cv2.cvtColor(np.asarray(255 * shown * sector, np.uint8), cv2.COLOR_GRAY2RGB)
    _measure(pixels, (cx - rx, cy), (cx + rx, cy))
    grey = (200, 200, 200)
    cv2.putText(pixels, "SYNTHETIC", (8, _HEIGHT - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.45, grey, 1, cv2.LINE_AA)
    return np.asarray(pixels, np.uint8)


def _measure(pixels: cv2.typing.MatLike, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw a caliper, as an examiner leaves it burned in: what the denoiser is there for."""
    yellow = (255, 255, 0)
    for x, y in (begin, end):
        cv2.drawMarker(pixels, (round(x), round(y)), yellow, cv2.MARKER_CROSS, 13, 1)
    for x, y in np.linspace(begin, end, 22)[1:-1]:
        cv2.circle(pixels, (round(x), round(y)), 1, yellow, -1)


def _echoes(rng: np.random.Generator) -> NDArray[np.float32]:
    """(depth, angle) float32: speckle, wider across the beam than along it, on layers of tissue."""

    def noise(rows: int, columns: int) -> NDArray[np.float32]:
        coarse = rng.normal(size=(rows, columns)).astype(np.float32)
        fine = cv2.resize(coarse, (_BEAMS, _BEAMS), interpolation=cv2.INTER_CUBIC)
        return np.asarray(fine, np.float32)

    speckle = np.hypot(noise(_BEAMS // 2, _BEAMS // 8), noise(_BEAMS // 2, _BEAMS // 8)) - 1.25
    layers = 0.17 * noise(40, 14) + 0.26 * noise(8, 5)
    depth = np.linspace(0, 1, _BEAMS, dtype=np.float32)[:, None]
    return np.asarray(0.26 * np.exp(0.8 * speckle + layers - 1.4 * depth**2), np.float32)


def _instance(pixels: NDArray[np.uint8], study: str, number: int) -> Dataset:
    instance = Dataset()
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    instance.SOPClassUID, instance.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
    instance.StudyInstanceUID, instance.SeriesInstanceUID = study, generate_uid()
    instance.PatientName, instance.PatientID = "Synthetic^Scan", "SYNTHETIC"
    instance.Modality, instance.Manufacturer, instance.InstanceNumber = "US", "scanside demo", number
    instance.ImageComments = "Synthetic: drawn by a program, no patient's."
    instance.Rows, instance.Columns = pixels.shape[:2]
    instance.SamplesPerPixel, instance.PhotometricInterpretation = 3, "RGB"
    instance.PlanarConfiguration = 0
    instance.BitsAllocated = instance.BitsStored = 8
    instance.HighBit, instance.PixelRepresentation = 7, 0
    instance.PixelData = pixels.tobytes()
    return instance
