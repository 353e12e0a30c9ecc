"""The machine's own word on where the scan lies: used, clipped, and never believed beyond the image."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from scanside.errors import NoTissue
from scanside.flags import Flag
from scanside.image import Box, Size
from scanside.scan.place.region import MIN_REGION_PX, find_regions
from scanside.scan.types import Region, RegionSource
from tests.synth.dicom import region

SIZE = Size(480, 640)
SCAN = Box(100, 50, 500, 400)
COLOUR_FLOW, SPECTRUM, M_MODE, GREYBAR = (1, 2), (3, 3), (2, 1), (1, 0xA)


def header(*items: Dataset) -> Dataset:
    made = Dataset()
    made.SequenceOfUltrasoundRegions = list(items)
    return made


def item(box: Box, kind: tuple[int, int]) -> Dataset:
    return region(box, spatial_format=kind[0], data_type=kind[1])


def test_none_declared_leaves_it_to_the_contour() -> None:
    whole = Region(Box(0, 0, 640, 480), RegionSource.CONTOUR, frozenset({Flag.UNKNOWN_DEVICE}))
    assert find_regions(Dataset(), SIZE) == (whole,)
    assert find_regions(header(), SIZE) == (whole,)


def test_declared_region_is_used() -> None:
    # The standard's X1, Y1 are inclusive: the box in pixels comes back whole.
    assert find_regions(header(region(SCAN)), SIZE) == (Region(SCAN, RegionSource.DICOM),)


def test_colour_flow_is_a_scan_of_tissue() -> None:
    assert find_regions(header(item(SCAN, COLOUR_FLOW)), SIZE) == (Region(SCAN, RegionSource.DICOM),)


def test_side_by_side_from_left_to_right() -> None:
    left, right = Box(10, 20, 300, 400), Box(320, 20, 630, 400)
    found = find_regions(header(region(right), item(Box(0, 0, 10, 400), GREYBAR), region(left)), SIZE)
    assert [r.box for r in found] == [left, right]


def test_region_beyond_the_image_is_clipped_and_said() -> None:
    (found,) = find_regions(header(region(Box(20, 10, 800, 470))), SIZE)
    assert found.box == Box(20, 10, 640, 470)
    assert found.flags == {Flag.REGION_CLIPPED}


def test_one_past_the_last_pixel_is_no_news() -> None:
    # Several machines write X1 as the width.
    (found,) = find_regions(header(region(Box(0, 0, 641, 481))), SIZE)
    assert found == Region(Box(0, 0, 640, 480), RegionSource.DICOM)


@pytest.mark.parametrize("kind", [SPECTRUM, M_MODE, GREYBAR])
def test_no_tissue_declared(kind: tuple[int, int]) -> None:
    with pytest.raises(NoTissue, match="no 2D tissue region"):
        find_regions(header(item(SCAN, kind)), SIZE)


@pytest.mark.parametrize(
    "box",
    [
        Box(700, 500, 900, 800),  # outside
        Box(500, 400, 100, 50),  # inside out
        Box(0, 0, 1, 1),
        Box(0, 0, MIN_REGION_PX - 1, 480),
        Box(100, 50, 700, 200),  # neither shrunk nor cut explains it
        Box(200, 100, 2**32, 2**32),
    ],
)
def test_useless_region_is_left_to_the_next_rule(box: Box) -> None:
    (found,) = find_regions(header(region(box)), SIZE)
    assert found.found_by is RegionSource.CONTOUR and Flag.REGION_UNTRUSTED in found.flags


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_region_of_an_image_since_shrunk(scale: int) -> None:
    (found,) = find_regions(header(region(Box(100 * scale, 50 * scale, 600 * scale, 470 * scale))), SIZE)
    assert found.box == Box(100, 50, 600, 470) and found.flags == {Flag.REGION_SCALED}


def flagged(box: Box, kind: tuple[int, int] = (1, 1), *, high: bool) -> Dataset:
    made = item(box, kind)
    made.RegionFlags = int(not high)  # PS3.3 C.8.5.5.1.3: bit 0 set is low priority
    return made


def test_colour_box_in_a_scan_is_no_scan_of_its_own() -> None:
    box = Box(200, 150, 350, 300)
    found = find_regions(header(flagged(box, COLOUR_FLOW, high=True), flagged(SCAN, high=False)), SIZE)
    assert [r.box for r in found] == [SCAN]


@pytest.mark.parametrize("first_is_high", [True, False])
def test_scan_declared_twice_is_the_one_of_higher_priority(first_is_high: bool) -> None:
    other = Box(104, 52, 500, 400)
    items = flagged(SCAN, high=first_is_high), flagged(other, high=not first_is_high)
    assert [r.box for r in find_regions(header(*items), SIZE)] == [SCAN if first_is_high else other]


def test_spectrum_over_a_scan_is_cut_off() -> None:
    screen, spectrum = Box(0, 40, 640, 480), Box(0, 260, 640, 480)
    (found,) = find_regions(header(region(screen), item(spectrum, SPECTRUM)), SIZE)
    assert found.box == Box(0, 40, 640, 260)
    # By the standard the pixels of an overlap are those of the region of high priority.
    (found,) = find_regions(header(region(screen), flagged(spectrum, SPECTRUM, high=False)), SIZE)
    assert found.box == screen


def test_spectrum_that_covers_the_scan() -> None:
    with pytest.raises(NoTissue, match="covers it"):
        find_regions(header(region(SCAN), item(Box(0, 0, 640, 480), SPECTRUM)), SIZE)


@pytest.mark.parametrize("missing", ["RegionSpatialFormat", "RegionDataType", "RegionLocationMaxX1"])
def test_incomplete_region_is_passed_over(missing: str) -> None:
    incomplete = region(SCAN)
    delattr(incomplete, missing)
    assert find_regions(header(incomplete, region(SCAN)), SIZE) == (Region(SCAN, RegionSource.DICOM),)


@pytest.mark.parametrize("representation, value", [("US", 5), ("DS", "1.5"), ("LO", "text"), ("OB", b"ab")])
def test_what_is_no_sequence_is_damaged(representation: str, value: object) -> None:
    made = Dataset()
    made[0x0018, 0x6011] = DataElement(0x00186011, representation, value)
    with pytest.raises(NoTissue, match="what the machine declares is damaged"):
        find_regions(made, SIZE)


EDGE = st.integers(0, 2**32 - 1)  # all that the standard's unsigned long holds


@given(x0=EDGE, y0=EDGE, x1=EDGE, y1=EDGE)
def test_whatever_is_declared_stays_inside_the_image(x0: int, y0: int, x1: int, y1: int) -> None:
    made = Dataset()
    made.RegionSpatialFormat = made.RegionDataType = 1
    made.RegionLocationMinX0, made.RegionLocationMinY0 = x0, y0
    made.RegionLocationMaxX1, made.RegionLocationMaxY1 = x1, y1
    try:
        (found,) = find_regions(header(made), SIZE)
    except NoTissue:
        return
    box = found.box
    assert 0 <= box.x0 < box.x1 <= SIZE.width and 0 <= box.y0 < box.y1 <= SIZE.height
    assert min(box.size) >= MIN_REGION_PX
