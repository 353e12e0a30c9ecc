"""An overlay that marks where the image is; damaged ones mark nothing."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits

from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.place.region import find_regions
from scanside.scan.types import RegionSource
from tests.synth.dicom import region

SIZE = Size(480, 640)
AREA = Box(100, 60, 500, 400)


def marked(group: int = 0x6000, origin: tuple[int, int] = (1, 1)) -> Dataset:
    bitmap = np.zeros(SIZE, np.uint8)
    bitmap[AREA.y0 : AREA.y1, AREA.x0 : AREA.x1] = 1
    made = Dataset()
    for element, vr, value in (
        (0x0010, "US", SIZE.height),
        (0x0011, "US", SIZE.width),
        (0x0040, "CS", "R"),
        (0x0045, "LO", "ACTIVE 2D/BMODE IMAGE AREA"),
        (0x0050, "SS", list(origin)),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OB", pack_bits(bitmap.reshape(-1))),
    ):
        made.add_new((group, element), vr, value)
    return made


@pytest.mark.parametrize("group", [0x6000, 0x601E])
def test_marked_area(group: int) -> None:
    (found,) = find_regions(marked(group), SIZE)
    assert found.box == AREA and found.found_by is RegionSource.OVERLAY and not found.flags


def test_region_names_the_overlay_and_its_own_bounds_are_useless() -> None:
    header = marked()
    del header[0x6000, 0x0045]
    item = region(Box(0, 0, 1, 1))
    item.ActiveImageAreaOverlayGroup = 0x6000
    header.SequenceOfUltrasoundRegions = [item]
    (found,) = find_regions(header, SIZE)
    assert found.box == AREA and found.flags == {Flag.REGION_UNTRUSTED}


def test_usable_region_comes_first() -> None:
    header = marked()
    header.SequenceOfUltrasoundRegions = [region(Box(90, 50, 510, 410))]
    assert find_regions(header, SIZE)[0].found_by is RegionSource.DICOM


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (0x0010, 60000),
        (0x0011, 0),
        (0x0045, "PERSON"),  # another use of overlays
        (0x0050, [-200, 1]),
        (0x0050, [400, 1]),
        (0x3000, b"\x01\x02"),
        (0x3000, bytes(SIZE.height * SIZE.width // 8)),  # marks nothing
    ],
)
def test_damaged_overlay_marks_nothing(element: int, value: object) -> None:
    header = marked()
    header[0x6000, element].value = value
    assert find_regions(header, SIZE)[0].found_by is RegionSource.CONTOUR
