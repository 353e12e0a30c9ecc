"""Real files give a scan where the scan is."""

from pathlib import Path

import pytest

from scanside.errors import NoTissue
from scanside.flags import Flag
from scanside.image import Box
from scanside.scan.instance import open_instance
from scanside.scan.place.region import find_regions
from scanside.scan.types import RegionSource
from tests.scanside.scan.real import path_of, scans_of

CLIPPED, SCALED = Flag.REGION_CLIPPED, Flag.REGION_SCALED
COLOUR_OF_UNKNOWN = {Flag.COLOUR, Flag.UNKNOWN_DEVICE}


def real(name: str) -> Path:
    path = path_of(name)
    if path is None:
        pytest.skip(f"{name} lies in the data folder; set SCANSIDE_DATA to it")
    return path


@pytest.mark.parametrize(
    ("name", "scans", "found_by", "flags"),
    [
        ("examples_palette.dcm", 1, RegionSource.DICOM, {CLIPPED}),
        ("examples_rgb_color.dcm", 1, RegionSource.CONTOUR, COLOUR_OF_UNKNOWN),
        ("examples_ybr_color.dcm", 1, RegionSource.DICOM, {SCALED}),
        ("examples_jpeg2k.dcm", 1, RegionSource.CONTOUR, COLOUR_OF_UNKNOWN),
        ("aloka_ssd4000_pelvis.dcm", 2, RegionSource.DICOM, set()),
        ("ge_logiq700.dcm", 1, RegionSource.CONTOUR, COLOUR_OF_UNKNOWN),
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


def test_thumbnail_filled_with_one_colour_is_no_scan() -> None:
    with pytest.raises(NoTissue, match="filled area"):
        scans_of(real("ExplVR_BigEnd.dcm"))


def test_shrunk_cine_has_the_region_of_its_original_scaled() -> None:
    """640 x 480 px when its region was written, 320 x 240 px since."""
    instance = open_instance(real("examples_ybr_color.dcm"))
    (found,) = find_regions(instance.header, instance.frame(0).size)
    assert found.box == Box(42, 15, 298, 208)


def test_every_frame_of_a_real_cine() -> None:
    instance = open_instance(real("examples_ybr_color.dcm"))
    frames = [instance.frame(index).pixels for index in range(instance.frame_count)]
    assert len(frames) == 30
    assert all(frame.shape == (240, 320, 3) for frame in frames)
    assert len({frame.tobytes() for frame in frames}) > 20  # the machine repeats a few
