"""What a network gets: the sector, filling the input, nothing else; and the way back for a mask."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanside.errors import NoTissue
from scanside.flags import Flag
from scanside.image import Box, Frame, Mask, Size
from scanside.phantom.sector import Shape
from scanside.scan.prepare import cut, prepare, prepare_mask, separate, to_source
from scanside.scan.types import Crop, Region, RegionSource
from tests.synth.consoles import make_console
from tests.synth.dicom import box_around
from tests.synth.scans import Probe, SynthFrame, make_frame

INPUT = Size(336, 544)


def whole(size: Size) -> Region:
    return Region(Box(0, 0, size.width, size.height), RegionSource.CONTOUR)


@pytest.fixture(scope="module", params=Probe)
def synth(request: pytest.FixtureRequest) -> SynthFrame:
    return make_frame(11, Size(600, 800), probe=request.param)


def test_fills_the_input(synth: SynthFrame) -> None:
    scan = prepare(Frame(synth.pixels), whole(synth.size), INPUT)
    assert scan.pixels.shape == INPUT and scan.pixels.dtype == np.float32
    assert scan.pixels.min() >= 0 and scan.pixels.max() <= 1
    assert scan.origin.source == synth.size and scan.found_by is RegionSource.CONTOUR
    drawn, cut = box_around(synth.sector), scan.origin.box
    assert all(abs(a - b) <= 6 for a, b in zip(drawn, cut, strict=True))


def test_a_declared_region_is_honoured(synth: SynthFrame) -> None:
    region = Region(box_around(synth.sector), RegionSource.DICOM, frozenset({Flag.REGION_CLIPPED}))
    scan = prepare(Frame(synth.pixels), region, INPUT)
    assert scan.found_by is RegionSource.DICOM
    assert scan.flags == {Flag.REGION_CLIPPED}
    outer, inner = region.box, scan.origin.box
    assert outer.x0 <= inner.x0 and outer.y0 <= inner.y0 and inner.x1 <= outer.x1 and inner.y1 <= outer.y1


def test_text_outside_the_sector_does_not_reach_the_network(synth: SynthFrame) -> None:
    without = synth.pixels.copy()
    without[synth.text & ~synth.sector] = 0
    seen = cut(Frame(synth.pixels), whole(synth.size))
    clean = cut(Frame(without), whole(synth.size))
    assert (without != synth.pixels).sum() > 1000
    box = seen.origin.box
    text = (synth.text & ~synth.sector)[box.y0 : box.y1, box.x0 : box.x1]
    assert not seen.pixels[cv2.erode(text.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0].any()
    # The sector is found in what is lit, bars included: its edges move by a pixel of the small picture.
    assert all(abs(a - b) <= 4 for a, b in zip(box, clean.origin.box, strict=True))


def test_text_beside_the_sector_within_its_box_is_blackened() -> None:
    made = make_frame(11, probe=Probe.ENDOCAVITY, annotated=False)
    box = box_around(made.sector)
    pixels = made.pixels.copy()
    cv2.putText(pixels, "12.3", (box.x0 + 2, box.y0 + 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
    assert (pixels != made.pixels).sum() > 300
    seen, clean = (prepare(Frame(p), whole(made.size), INPUT) for p in (pixels, made.pixels))
    assert np.array_equal(seen.pixels, clean.pixels)


def test_tissue_reaches_the_network_unchanged(synth: SynthFrame) -> None:
    scan = prepare(Frame(synth.pixels), whole(synth.size), INPUT)
    box = scan.origin.box
    grey = cv2.cvtColor(synth.pixels, cv2.COLOR_RGB2GRAY) * synth.sector
    expected = cv2.resize(grey[box.y0 : box.y1, box.x0 : box.x1], (544, 336), interpolation=cv2.INTER_LINEAR)
    inside = prepare_mask(synth.sector, scan.origin, INPUT)
    inside = cv2.erode(inside.astype(np.uint8), np.ones((15, 15))) > 0
    assert np.corrcoef(scan.pixels[inside], expected[inside])[0, 1] > 0.9
    assert abs(scan.pixels[inside].mean() - expected[inside].mean() / 255) < 0.01


def test_grey_and_rgb_are_the_same_to_a_network(synth: SynthFrame) -> None:
    grey = cv2.cvtColor(synth.pixels, cv2.COLOR_RGB2GRAY)
    seen = [prepare(Frame(pixels), whole(synth.size), INPUT) for pixels in (synth.pixels, grey)]
    assert np.array_equal(seen[0].pixels, seen[1].pixels)


def test_colour_is_said() -> None:
    for colour in (False, True):
        made = make_frame(5, colour=colour)  # the yellow and cyan of text are no colour flow
        assert (Flag.COLOUR in prepare(Frame(made.pixels), whole(made.size), INPUT).flags) is colour


@pytest.mark.parametrize("pixels", [np.zeros((480, 640), np.uint8), np.zeros((480, 640, 3), np.uint8)])
def test_black(pixels: np.ndarray) -> None:
    with pytest.raises(NoTissue, match="black"):
        prepare(Frame(pixels), whole(Size(480, 640)), INPUT)


def test_only_text() -> None:
    made = make_frame(6)
    text = np.where((made.text & ~made.sector)[..., None], made.pixels, np.uint8(0))
    with pytest.raises(NoTissue):
        prepare(Frame(text), whole(made.size), INPUT)


@pytest.mark.parametrize("box", [Box(0, 0, 640, 20), Box(100, 100, 101, 101)])
def test_too_small(box: Box) -> None:
    made = make_frame(6)
    with pytest.raises(NoTissue, match="too small"):
        prepare(Frame(made.pixels), Region(box, RegionSource.DICOM), INPUT)


def ellipse(size: Size, box: Box, share: float) -> Mask:
    """A filled ellipse in the middle of `box`."""
    mask = np.zeros(size, np.uint8)
    centre = ((box.x0 + box.x1) // 2, (box.y0 + box.y1) // 2)
    axes = (int(share * box.size.width / 2), int(share * box.size.height / 2))
    return cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1) > 0


def band(mask: Mask, width: int) -> Mask:
    """Where `mask` may differ from one whose edge lies up to `width` px off."""
    kernel = np.ones((2 * width + 1, 2 * width + 1))
    inner, outer = (f(mask.astype(np.uint8), kernel) > 0 for f in (cv2.erode, cv2.dilate))
    return outer & ~inner


BOXES = st.builds(
    lambda x0, y0, width, height: Box(x0, y0, x0 + width, y0 + height),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(64, 900),
    st.integers(64, 660),
)


@pytest.mark.parametrize("box", [Box(10, 10, 210, 130), Box(0, 0, 1024, 700)])
def test_a_mask_does_not_grow_on_the_way(box: Box) -> None:
    mask, origin = ellipse(Size(768, 1024), box, 0.5), Crop(box, Size(768, 1024))
    there = prepare_mask(mask, origin, INPUT)
    assert there.mean() == pytest.approx(mask[box.y0 : box.y1, box.x0 : box.x1].mean(), rel=0.005)
    assert to_source(there.astype(np.float32), origin).sum() == pytest.approx(mask.sum(), rel=0.01)


@given(box=BOXES, share=st.floats(0.3, 0.95))
def test_a_mask_goes_there_and_back(box: Box, share: float) -> None:
    size = Size(768, 1024)
    mask, origin = ellipse(size, box, share), Crop(box, size)
    there = prepare_mask(mask, origin, INPUT)
    back = to_source(there.astype(np.float32), origin)
    assert there.shape == INPUT and back.shape == size
    # One pixel of the network is up to two of the source; it can't be known better than that.
    pixel = max(1, round(max(box.size.width / INPUT.width, box.size.height / INPUT.height)))
    assert not ((mask ^ back) & ~band(mask, pixel)).any()


def test_a_mask_lands_where_the_pixels_land(synth: SynthFrame) -> None:
    pixels = np.minimum(synth.pixels, 120)
    pixels[synth.lesion] = 255
    scan = prepare(Frame(pixels), whole(synth.size), INPUT)
    moved = prepare_mask(synth.lesion, scan.origin, INPUT)
    assert moved.sum() > 1000
    assert not ((moved ^ (scan.pixels > 0.75)) & ~band(moved, 1)).any()


@given(
    box=st.builds(
        lambda x0, y0, width, height: Box(x0, y0, x0 + width, y0 + height),
        *(st.integers(0, 60), st.integers(0, 60), st.integers(1, 700), st.integers(1, 700)),
    ),
    inner=st.tuples(*(st.floats(0, 1) for _ in range(4))),
    size=st.builds(Size, st.integers(32, 400), st.integers(32, 600)),
)
def test_edges_come_back_within_a_pixel_for_any_box_and_input(
    box: Box, inner: tuple[float, float, float, float], size: Size
) -> None:
    """A rectangle's edges, of any box, however narrow, through any input."""
    left, right = sorted(round(share * box.size.width) for share in inner[:2])
    top, bottom = sorted(round(share * box.size.height) for share in inner[2:])
    step = max(1, int(np.ceil(max(box.size.width / size.width, box.size.height / size.height))))
    mask = np.zeros((800, 800), bool)
    mask[box.y0 + top : box.y0 + bottom, box.x0 + left : box.x0 + right] = True
    origin = Crop(box, Size(800, 800))
    back = to_source(prepare_mask(mask, origin, size).astype(np.float32), origin)
    assert not back[: box.y0].any() and not back[box.y1 :].any()
    assert not back[:, : box.x0].any() and not back[:, box.x1 :].any()
    if min(right - left, bottom - top) > 2 * step:
        assert not ((mask ^ back) & ~band(mask, step)).any()


def test_two_views_are_two_regions() -> None:
    made = make_console(2, shape=Shape.CURVED, views=2)
    frame = Frame(made.pixels)
    first, second = separate(frame, whole(frame.size))
    assert first.box.x1 == second.box.x0
    for region, sector in zip((first, second), made.sectors, strict=True):
        drawn, found = box_around(sector), cut(frame, region).origin.box
        assert all(abs(a - b) <= 12 for a, b in zip(drawn, found, strict=True))


@pytest.mark.parametrize(("found_by", "views"), [(RegionSource.DEVICE, 2), (RegionSource.OVERLAY, 1)])
def test_a_view_is_a_region_unless_a_machine_declared_one(found_by: RegionSource, views: int) -> None:
    made = make_console(2, shape=Shape.CURVED, views=2)
    region = replace(whole(Size(*made.pixels.shape[:2])), found_by=found_by)
    assert [view.found_by for view in separate(Frame(made.pixels), region)] == [found_by] * views


def test_a_region_without_tissue_stays_one() -> None:
    region = whole(Size(480, 640))
    assert separate(Frame(np.zeros((480, 640), np.uint8)), region) == (region,)
