"""Real files give a scan where the scan is."""

from pathlib import Path

import pytest

from scanside.scan.decode import open_instance
from scanside.scan.types import Flag, RegionSource
from tests.scanside.scan.real import path_of, scans_of

CLIPPED, COLOUR = Flag.REGION_CLIPPED, Flag.COLOUR


def real(name: str) -> Path:
    path = path_of(name)
    if path is None:
        pytest.skip(f"{name} lies in the data folder; set SCANSIDE_DATA to it")
    return path


@pytest.mark.parametrize(
    ("name", "scans", "found_by", "flags"),
    [
        ("examples_palette.dcm", 1, RegionSource.DICOM, {CLIPPED}),
        ("examples_rgb_color.dcm", 1, RegionSource.CONTOUR, {COLOUR}),
        ("examples_ybr_color.dcm", 1, RegionSource.DICOM, {CLIPPED}),
        ("examples_jpeg2k.dcm", 1, RegionSource.CONTOUR, {COLOUR}),
        ("ExplVR_BigEnd.dcm", 1, RegionSource.CONTOUR, {COLOUR}),
        ("aloka_ssd4000_pelvis.dcm", 2, RegionSource.DICOM, set()),
        ("ge_logiq700.dcm", 1, RegionSource.CONTOUR, {COLOUR}),
        ("philips_cx50_ob.dcm", 1, RegionSource.DICOM, set()),
        ("philips_epiq7c.dcm", 1, RegionSource.DICOM, set()),
    ],
)
def test_scan_of_a_real_file(name: str, scans: int, found_by: RegionSource, flags: set[Flag]) -> None:
    found = scans_of(real(name))
    assert len(found) == scans
    for scan in found:
        assert scan.found_by is found_by and scan.flags == flags
        assert scan.pixels.std() > 0.03  # a picture, not a blank


def test_every_frame_of_a_real_cine() -> None:
    instance = open_instance(real("examples_ybr_color.dcm"))
    frames = [instance.frame(index).pixels for index in range(instance.frame_count)]
    assert len(frames) == 30
    assert all(frame.shape == (240, 320, 3) for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 20  # the machine repeats a few
