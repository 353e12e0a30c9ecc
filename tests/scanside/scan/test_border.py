"""Black around a picture says nothing: the scan and what a network reads of it stay, to the bit."""

import os
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.errors import NoTissue, NotScorable
from scanside.image import Box, Frame, Size
from scanside.scan.instance import open_instance
from scanside.scan.prepare import find_scans, prepare
from scanside.scan.types import Crop
from tests.scanside.scan.real import MORE, NAMES, path_of
from tests.synth.consoles import make_console
from tests.synth.layouts import make_layout
from tests.synth.scans import Probe, make_frame

INPUT = Size(168, 272)
SIDES = st.tuples(*[st.one_of(st.just(0), st.integers(0, 300))] * 4)  # top, bottom, left, right
Sides = tuple[int, int, int, int]

SOME: tuple[Sides, ...] = ((1, 0, 0, 0), (0, 37, 0, 0), (0, 0, 200, 3), (64, 64, 64, 64), (13, 240, 5, 71))


def bordered(pixels: NDArray[np.uint8], sides: Sides, noise: int = 0) -> NDArray[np.uint8]:
    """`pixels` with so many rows and columns around, black, or up to `noise` grey values above it."""
    value = cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    if noise:
        inside = np.s_[sides[0] : sides[0] + len(pixels), sides[2] : sides[2] + pixels.shape[1]]
        grain = np.random.default_rng(0).integers(0, noise + 1, value.shape, np.uint8)
        grain[inside] = pixels
        return grain
    return np.asarray(value, np.uint8)


def seen(pixels: NDArray[np.uint8], header: Dataset | None = None) -> list[object]:
    """Of each scan its box, what was said of it, and the network's input; or why there is none."""
    frame, scans = Frame(pixels), []
    try:
        for region in find_scans(header or Dataset(), frame):
            scan = prepare(frame, region, INPUT, chroma=True)
            chroma = None if scan.chroma is None else scan.chroma.tobytes()
            scans.append((scan.origin, scan.found_by, scan.flags, scan.pixels.tobytes(), chroma))
    except NoTissue as reason:
        return [*scans, str(reason)]
    return scans


def moved(scans: list[object], sides: Sides) -> list[object]:
    """What was seen, by where it lies within the border."""
    found = []
    for scan in scans:
        if isinstance(scan, tuple):
            x0, y0, x1, y1 = scan[0].box
            top, bottom, left, right = sides
            size = Size(scan[0].source.height - top - bottom, scan[0].source.width - left - right)
            scan = (Crop(Box(x0 - left, y0 - top, x1 - left, y1 - top), size), *scan[1:])
        found.append(scan)
    return found


def without_border(pixels: NDArray[np.uint8], sides: Sides, header: Dataset | None = None) -> bool:
    return moved(seen(bordered(pixels, sides), header), sides) == seen(pixels, header)


@settings(max_examples=25)
@given(sides=SIDES, seed=st.integers(0, 40), grey=st.booleans())
def test_a_border_of_any_widths_changes_no_screen(sides: Sides, seed: int, grey: bool) -> None:
    pixels = make_console(seed, size=Size(480, 640)).pixels
    assert without_border(np.ascontiguousarray(pixels[..., 0]) if grey else pixels, sides)


@settings(max_examples=15)
@given(sides=SIDES, probe=st.sampled_from(Probe), colour=st.booleans())
def test_a_border_of_any_widths_changes_no_frame(sides: Sides, probe: Probe, colour: bool) -> None:
    assert without_border(make_frame(5, probe=probe, colour=colour).pixels, sides)


@pytest.mark.parametrize("noise", [1, 3, 6])
def test_a_border_that_is_nearly_black_changes_nothing(noise: int) -> None:
    pixels = make_frame(3, probe=Probe.CURVED).pixels
    sides = (30, 12, 80, 5)
    assert moved(seen(bordered(pixels, sides, noise)), sides) == seen(pixels)


def test_a_border_changes_nothing_where_a_device_is_known() -> None:
    header = Dataset()
    header.Manufacturer, header.ManufacturerModelName = "ATL", "HDI 5000"
    pixels = make_layout("bar over all, scale at the right", 3, Size(476, 640)).pixels
    assert seen(pixels, header)[0][1].value == "device table"  # type: ignore[index]
    for sides in SOME:
        assert without_border(pixels, sides, header)


def test_a_border_moves_declared_regions_along() -> None:
    """They are the machine's own words; the pixels within stay what they are."""
    for name in (*NAMES, *MORE):
        if (path := path_of(name)) is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            instance = open_instance(path)
            frame, header = instance.frame(0), instance.header
        for item in header.get("SequenceOfUltrasoundRegions") or []:
            for keyword, by in (("X0", 11), ("X1", 11), ("Y0", 7), ("Y1", 7)):
                name = f"RegionLocation{'Min' if keyword[1] == '0' else 'Max'}{keyword}"
                item[name].value = int(item[name].value) + by
        (before, header_before), sides = (frame.pixels, open_instance(path).header), (7, 0, 11, 0)
        was = seen(before, header_before)
        now = moved(seen(bordered(before, sides), header), sides)
        if header.get("SequenceOfUltrasoundRegions") and any("region" in str(scan[2:3]) for scan in was):
            continue  # regions of a larger image than this: whether they fit depends on its size
        assert now == was


def test_a_border_changes_no_real_scan_that_declares_no_region() -> None:
    data = os.environ.get("SCANSIDE_DATA")
    if not data:
        pytest.skip("SCANSIDE_DATA is not set: no real scans")
    paths = [path for name in (*NAMES, *MORE) if (path := path_of(name))]
    for path in (*paths, *sorted(Path(data, "trials").glob("*.dcm"))):
        try:
            instance = open_instance(path)
            pixels = instance.frame(0).pixels
        except NotScorable:
            continue
        header = instance.header
        if "SequenceOfUltrasoundRegions" in header:
            del header.SequenceOfUltrasoundRegions
        for sides in SOME[-2:]:
            assert without_border(pixels, sides, header), path.name
    for number in range(11, 1470, 97):
        picture = cv2.imread(str(Path(data, "mmotu", "images", f"{number}.JPG")))
        for sides in SOME:
            assert without_border(np.asarray(picture[..., ::-1], np.uint8), sides), number
