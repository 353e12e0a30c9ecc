"""How fast one frame becomes a network's input, beside the plain way: the same file, one core, one run.

    python -m benchmarks.decode --count 50

The plain way is pydicom's pixel_array, its colour conversion, a contour on the full frame and a resize.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import convert_color_space, pixel_array
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit
from rich.console import Console
from rich.table import Table

from scanside.image import Size
from scanside.scan.instance import open_instance
from scanside.scan.prepare import find_scans, prepare
from tests.synth.dicom import Photometric, box_around, make_instance, region, save
from tests.synth.scans import make_frame

FRAME = Size(768, 1024)
INPUT = Size(336, 544)
CASES: Sequence[tuple[str, Photometric, UID, bool]] = (
    ("JPEG, region declared", Photometric.YBR_FULL_422, JPEGBaseline8Bit, True),
    ("JPEG, no region", Photometric.YBR_FULL_422, JPEGBaseline8Bit, False),
    ("raw RGB, region declared", Photometric.RGB, ExplicitVRLittleEndian, True),
    ("raw RGB, no region", Photometric.RGB, ExplicitVRLittleEndian, False),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="rounds; ways take turns in each (50)")
    count = parser.parse_args().count
    cv2.setNumThreads(1)
    table = Table(
        "median ms", *(name for name, *_ in CASES), title=f"{FRAME.width} x {FRAME.height}, one core"
    )
    with tempfile.TemporaryDirectory() as folder:
        columns = [measure(_write(Path(folder), *case[1:]), count) for case in CASES]
    for row in columns[0]:
        table.add_row(row, *(f"{column[row]:.1f}" for column in columns))
    ratios = (column["plain: pydicom, contour"] / column["scanside: file to input"] for column in columns)
    table.add_row("plain / scanside", *(f"{ratio:.1f}" for ratio in ratios))
    Console().print(table)


def measure(path: Path, count: int) -> dict[str, float]:
    """Median milliseconds of each way."""
    times: dict[str, list[float]] = {}
    ways: dict[str, Callable[[Path], object]] = {
        "plain: pydicom, contour": plain,
        "scanside: file to input": ours,
        "  of that, file to frame": lambda path: open_instance(path).frame(),
        "pydicom's pixel_array alone": pixel_array,
    }
    for _ in range(count + 2):
        for name, way in ways.items():
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                way(path)
            times.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values[2:])) for name, values in times.items()}


def ours(path: Path) -> NDArray[np.float32]:
    instance = open_instance(path)
    frame = instance.frame()
    return prepare(frame, find_scans(instance.header, frame)[0], INPUT).pixels


def plain(path: Path) -> NDArray[np.float32]:
    """As a first script does it."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    if dataset.PhotometricInterpretation.startswith("YBR"):
        pixels = convert_color_space(pixels, dataset.PhotometricInterpretation, "RGB")
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    _, bright = cv2.threshold(grey, 10, 255, cv2.THRESH_BINARY)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    bright = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, kernel)
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, kernel)
    contours, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    mask = cv2.fillConvexPoly(np.zeros_like(grey), hull, 255)
    x, y, width, height = cv2.boundingRect(hull)
    cut = cv2.bitwise_and(grey, mask)[y : y + height, x : x + width]
    return cv2.resize(cut, (INPUT.width, INPUT.height), interpolation=cv2.INTER_AREA) / np.float32(255)


def _write(folder: Path, photometric: Photometric, syntax: UID, declared: bool) -> Path:
    frame = make_frame(0, FRAME, colour=True)
    regions = [region(box_around(frame.sector))] if declared else []
    made = make_instance([frame.pixels], photometric=photometric, syntax=syntax, regions=regions)
    return save(made, folder / f"{syntax}-{declared}.dcm")


if __name__ == "__main__":
    main()
