"""Real ultrasound files: five of pydicom's wheel and, where SCANSIDE_DATA says so, those of a data folder."""

import os
from pathlib import Path

from pydicom.data import get_testdata_file

from scanside.image import Size
from scanside.scan.instance import open_instance
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare
from scanside.scan.types import Scan

NAMES = (
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "examples_jpeg2k.dcm",
    "ExplVR_BigEnd.dcm",
)
MORE = (
    "aloka_ssd4000_pelvis.dcm",
    "ge_logiq700.dcm",
    "philips_cx50_ob.dcm",
    "philips_epiq7c.dcm",
)


def path_of(name: str) -> Path | None:
    """Where a file lies on this machine; None where it can't be had."""
    if name in NAMES:
        return Path(str(get_testdata_file(name)))
    folder = os.environ.get("SCANSIDE_DATA")
    path = Path(folder, "dicom", name) if folder else None
    return path if path and path.exists() else None


def scans_of(path: Path) -> list[Scan]:
    """Every scan of the first frame, ready for a network."""
    instance = open_instance(path)
    frame = instance.frame()
    return [prepare(frame, region, Size(84, 136)) for region in find_regions(instance.header, frame.size)]
