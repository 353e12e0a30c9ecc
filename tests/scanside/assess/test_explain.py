"""The picture of each step: there to the step that fails, and never with text of the header."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.dataset import Dataset

from scanside.assess.denoise import denoiser_of
from scanside.assess.explain import explain
from scanside.errors import Unreadable
from scanside.image import Box, Size
from scanside.model.bundle import Bundle
from scanside.scan.instance import open_instance
from tests.synth.dicom import Patient, box_around, make_instance, region, save
from tests.synth.scans import make_frame
from tests.synth.screens import m_mode, report

INPUT = Size(84, 136)


def steps_in(sheet: np.ndarray) -> int:
    """How many places of the first row hold a picture and not the empty page."""
    column, page = sheet.shape[1] // 5, sheet[0, 0].astype(int)
    off_page = np.abs(sheet[90:300].astype(int) - page).max(axis=2) > 8
    return sum(bool(off_page[:, n * column + 20 : n * column + 340].mean() > 0.2) for n in range(5))


def explained(
    folder: Path, pixels: np.ndarray, *regions: Dataset, patient: Patient | None = None
) -> np.ndarray:
    made = make_instance([pixels], regions=regions, patient=patient)
    return explain(open_instance(save(made, folder / "a.dcm")), INPUT)


def test_every_step_of_a_scan(tmp_path: Path) -> None:
    made = make_frame(1)
    assert steps_in(explained(tmp_path, made.pixels, region(box_around(made.sector)))) == 5


def test_what_a_denoiser_found_and_left(tmp_path: Path, with_denoiser: Bundle) -> None:
    opened = open_instance(save(make_instance([make_frame(4).pixels]), tmp_path / "a.dcm"))
    without, sheet = explain(opened, INPUT), explain(opened, INPUT, denoiser_of(with_denoiser))
    panel = sheet.shape[1] - without.shape[1]
    assert panel > 300  # one place more
    green = sheet[..., 1].astype(int) - sheet[..., 0] > 60  # the outlines
    found, removed = (green[90:300, n * panel + 20 : n * panel + 340] for n in (4, 5))
    assert 0 < found.mean() < 0.2 and not removed.any()


def test_side_by_side_views_have_a_row_each(tmp_path: Path) -> None:
    left, right = make_frame(1), make_frame(2)
    pixels = np.concatenate([left.pixels, right.pixels], axis=1)
    one = explained(tmp_path, pixels, region(Box(0, 0, 640, 480)))
    two = explained(tmp_path, pixels, *(region(Box(x, 0, x + 640, 480)) for x in (0, 640)))
    assert len(two) > 1.8 * len(one)


def test_views_that_nobody_declared_have_a_row_each(tmp_path: Path) -> None:
    one = explained(tmp_path, make_frame(1).pixels)
    two = explained(tmp_path, np.hstack([make_frame(seed).pixels for seed in (1, 2)]))
    assert len(two) > 1.8 * len(one)


@pytest.mark.parametrize("screen", [m_mode(1), report(1), np.zeros((480, 640, 3), np.uint8)])
def test_to_the_step_that_fails(screen: np.ndarray, tmp_path: Path) -> None:
    assert steps_in(explained(tmp_path, screen)) == 2  # the frame, and the region in it


def test_declared_spectrum_stops_before_the_region(tmp_path: Path) -> None:
    item = region(Box(0, 0, 640, 480), spatial_format=3, data_type=3)
    assert steps_in(explained(tmp_path, make_frame(1).pixels, item)) == 1


def test_header_does_not_change_the_picture(tmp_path: Path) -> None:
    pixels = make_frame(1).pixels
    sheets = [explained(tmp_path, pixels, patient=Patient(name, id=name)) for name in ("SYNTHETIC^A", "B")]
    assert np.array_equal(*sheets)


def test_nothing_to_draw(tmp_path: Path) -> None:
    made = make_instance([make_frame(1).pixels])
    made.PixelData = made.PixelData[:100]
    with pytest.raises(Unreadable):
        explain(open_instance(save(made, tmp_path / "a.dcm")), INPUT)


def test_grey_frames_too(tmp_path: Path) -> None:
    made = make_instance([cv2.cvtColor(make_frame(1).pixels, cv2.COLOR_RGB2GRAY)[:, :, None].repeat(3, 2)])
    assert steps_in(explain(open_instance(save(made, tmp_path / "a.dcm")), INPUT)) == 5
