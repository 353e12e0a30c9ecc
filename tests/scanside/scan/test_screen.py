"""Bars with text at the sides of a screen are never in a scan; where black begins does not matter."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from scanside.deidentify.pixels import blank_outside_tissue
from scanside.image import Box, Frame, Size
from scanside.scan.instance import open_instance
from scanside.scan.prepare import cut, find_scans
from scanside.scan.sector.screen import find_screen
from tests.synth.scans import Probe, make_frame


def test_black_alone_is_one_screen() -> None:
    assert find_screen(np.zeros((48, 64), np.uint8)) == Box(0, 0, 64, 48)


def test_a_screen_begins_where_it_is_lit() -> None:
    grey = np.zeros((480, 640), np.uint8)
    grey[100:300, 50:400] = np.random.default_rng(0).integers(0, 255, (200, 350))
    grey[[100, 299], 60] = grey[[110, 110], [50, 399]] = 255
    assert find_screen(grey) == Box(50, 100, 400, 300)


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
@pytest.mark.parametrize("fill", [9, 25, 63, 200])
def test_a_bar_with_text_at_any_side_is_no_part_of_the_screen(side: str, fill: int) -> None:
    grey = make_frame(5, Size(600, 800), probe=Probe.LINEAR, annotated=False).pixels[..., 0].copy()
    across = {"top": np.s_[:40], "bottom": np.s_[-40:], "left": np.s_[:, :60], "right": np.s_[:, -60:]}[side]
    grey[across] = fill
    cv2.putText(grey, "SYNTHETIC^CASE 1970-01-01", (250, 28 if side == "top" else 588), 0, 0.6, 255, 1)
    if side in ("left", "right"):
        cv2.putText(grey, "ID 1", (5 if side == "left" else 745, 300), 0, 0.5, 255, 1)
    assert not _within(grey.shape, find_screen(grey))[across].any()


def _within(shape: tuple[int, ...], box: Box) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box.y0 : box.y1, box.x0 : box.x1] = True
    return mask


@pytest.mark.parametrize("gap", [0, 2, 6])
def test_the_title_bar_above_tissue_is_in_no_prepared_scan(gap: int) -> None:
    frame = make_frame(5, Size(600, 800), probe=Probe.LINEAR, annotated=False)
    top = int(np.nonzero(frame.sector.any(axis=1))[0][0])
    pixels = frame.pixels.copy()
    pixels[: top - gap] = (38, 66, 110)
    cv2.putText(pixels, "SYNTHETIC^CASE 12345678", (250, top - gap - 10), 0, 0.7, (255, 255, 255), 1)
    (region,) = find_scans(Dataset(), Frame(pixels))
    assert top - 4 <= cut(Frame(pixels), region).origin.box.y0 + gap <= top + 12


def test_the_title_bar_of_a_real_screen_is_in_no_prepared_scan() -> None:
    path = Path(os.environ.get("SCANSIDE_DATA", "/nowhere"), "trials", "atl_hdi5000_480_rows_no_regions.dcm")
    if not path.exists():
        pytest.skip("SCANSIDE_DATA is not set, or holds no trials")
    instance = open_instance(path)
    frame = instance.frame(0)
    (region,) = find_scans(instance.header, frame)
    assert cut(frame, region).origin.box.y0 > 40  # the bar is 40 px high
    assert not blank_outside_tissue(frame, instance.header)[:40].any()
