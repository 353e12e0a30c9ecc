"""The sector that threshold and contour find, against the sector that was drawn."""

import cv2
import numpy as np
import pytest

from scanside.errors import NoTissue
from scanside.image import Mask, Size
from scanside.phantom.sector import Shape
from scanside.scan.prepare import to_grey
from scanside.scan.sector.contour import find_sector
from scanside.scan.sector.views import find_sectors
from tests.synth.consoles import make_console
from tests.synth.scans import Probe, make_frame

SIZES = (Size(480, 640), Size(600, 800), Size(768, 1024))
# Measured on these seeds and sizes.
LEAST_IOU = {Probe.CURVED: 0.97, Probe.LINEAR: 0.97, Probe.TRAPEZOID: 0.97, Probe.ENDOCAVITY: 0.95}


def iou(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("probe", Probe)
@pytest.mark.parametrize("seed", range(6))
def test_finds_the_sector_of_an_annotated_frame(probe: Probe, seed: int) -> None:
    made = make_frame(seed, SIZES[seed % 3], probe=probe)
    found = find_sector(to_grey(made.pixels))
    assert iou(found, made.sector) >= LEAST_IOU[probe]
    assert made.sector[found].mean() >= LEAST_IOU[probe]
    assert (made.lesion & ~found).sum() == 0
    assert found[made.text & ~made.sector].mean() < 0.002


@pytest.mark.parametrize("probe", Probe)
def test_jpeg_and_a_dark_picture_change_little(probe: Probe) -> None:
    made = make_frame(7, probe=probe)
    dark = (to_grey(made.pixels) * 0.5).astype(np.uint8)
    decoded = cv2.imdecode(cv2.imencode(".jpg", dark, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], 0)
    assert iou(find_sector(np.asarray(decoded, np.uint8)), made.sector) >= LEAST_IOU[probe] - 0.02


def test_a_sector_cut_in_two_by_a_dark_band_is_one() -> None:
    made = make_frame(3, probe=Probe.LINEAR, annotated=False)
    grey = to_grey(made.pixels)
    grey[210:260] = 0
    assert iou(find_sector(grey), made.sector) >= 0.95


def test_a_line_that_leaves_the_sector_does_not_stretch_it() -> None:
    made = make_frame(3, probe=Probe.LINEAR, annotated=False)
    grey = to_grey(made.pixels)
    cv2.line(grey, (320, 200), (639, 200), 255, 2)
    cv2.putText(grey, "Rt. Ovary", (470, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2)
    assert iou(find_sector(grey), made.sector) >= 0.95


def test_black() -> None:
    with pytest.raises(NoTissue, match="black or holds only text"):
        find_sector(np.zeros((480, 640), np.uint8))


def test_only_text() -> None:
    made = make_frame(4)
    text = np.where(made.text & ~made.sector, to_grey(made.pixels), np.uint8(0))
    with pytest.raises(NoTissue, match="black or holds only text"):
        find_sector(text)


def test_a_report_page_of_text() -> None:
    page = np.zeros((768, 1024), np.uint8)
    for row in range(40, 740, 34):
        cv2.putText(page, "Left ovary volume 12.3 ml  D1 31 mm", (30, row), 0, 0.9, 255, 2)
    with pytest.raises(NoTissue):
        find_sector(page)


def test_filled_box_without_texture() -> None:
    grey = np.zeros((480, 640), np.uint8)
    grey[100:400, 100:500] = 128
    with pytest.raises(NoTissue):
        find_sector(grey)


@pytest.mark.parametrize("shape", Shape)
def test_finds_the_sector_of_a_busy_screen(shape: Shape) -> None:
    ious, left = [], 0
    for seed in range(4):
        made = make_console(seed, shape=shape, views=1, size=SIZES[0])
        found = find_sector(to_grey(made.pixels))
        ious.append(iou(found, made.sectors[0]))
        left += int((found & made.identity).sum() > 20)
    assert np.median(ious) >= 0.95
    assert left <= 1


@pytest.mark.parametrize("shape", [Shape.CURVED, Shape.LINEAR, Shape.ENDOCAVITY])
def test_two_views_side_by_side_are_two_sectors(shape: Shape) -> None:
    made = make_console(2, shape=shape, views=2)
    found = find_sectors(to_grey(made.pixels))
    assert len(found) == 2
    assert all(iou(a, b) > 0.9 for a, b in zip(found, made.sectors, strict=True))


def test_the_lens_over_a_curved_face_is_no_tissue() -> None:
    made = make_frame(5, probe=Probe.CURVED, annotated=False)
    pixels = made.pixels.copy()
    columns = np.nonzero(made.sector)[1]
    top = int(np.nonzero(made.sector)[0].min())
    cv2.putText(pixels, "NOBODY", (int(np.median(columns)) - 30, top + 14), 0, 0.45, (255, 255, 255), 1)
    text = (pixels != made.pixels).any(axis=2)
    text &= ~made.sector
    assert text.sum() > 100
    assert not (find_sector(to_grey(pixels)) & text).any()


@pytest.mark.parametrize("at", ["left", "top"])
def test_a_dark_cyst_at_the_edge_is_not_cut_away(at: str) -> None:
    made = make_frame(3, probe=Probe.LINEAR, annotated=False)
    rows, columns = np.nonzero(made.sector)
    centre = (int(columns.min()), 240) if at == "left" else (320, int(rows.min()))
    grey = to_grey(made.pixels).copy()
    cv2.circle(grey, centre, 70, 0, -1)
    assert iou(find_sector(grey), made.sector) >= 0.97


def test_a_grey_screen_with_a_title_bar() -> None:
    made = make_frame(3, probe=Probe.CURVED, annotated=False)
    grey = np.where(made.sector, to_grey(made.pixels), np.uint8(25))
    grey[:30] = 60
    assert iou(find_sector(grey), made.sector) >= 0.95


def test_the_same_frame_gives_the_same_sector_bit_for_bit() -> None:
    grey = to_grey(make_console(2).pixels)
    assert np.array_equal(find_sector(grey), find_sector(grey.copy()))
