"""Screens that are no B-mode are refused without a region to say so; scans, real ones too, never are."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from scanside.errors import NoTissue
from scanside.image import Box, Frame, Size
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare
from scanside.scan.sector.content import check_content
from scanside.scan.types import Region, RegionSource
from tests.synth.scans import Probe, make_frame
from tests.synth.screens import NO_SCANS, m_mode, report, spectrum

INPUT = Size(84, 136)
DATA = os.environ.get("SCANSIDE_DATA")


def prepared_as(pixels: np.ndarray, found_by: RegionSource) -> None:
    height, width = pixels.shape[:2]
    prepare(Frame(pixels), Region(Box(0, 0, width, height), found_by), INPUT)


@pytest.mark.parametrize("kind", NO_SCANS)
def test_no_scan_is_refused(kind: str) -> None:
    for seed in range(24):
        with pytest.raises(NoTissue):
            prepared_as(NO_SCANS[kind](seed), RegionSource.CONTOUR)


@pytest.mark.parametrize(
    ("screen", "reason"), [(spectrum, "spectrum"), (m_mode, "M-mode"), (report, "page of text")]
)
def test_the_reason_is_named(screen: object, reason: str) -> None:
    for seed in (1, 2):
        with pytest.raises(NoTissue, match=reason):
            check_content(cv2.cvtColor(screen(seed), cv2.COLOR_RGB2GRAY))  # type: ignore[operator]


def test_after_jpeg_too() -> None:
    for kind in NO_SCANS.values():
        coded = cv2.imencode(".jpg", kind(2), [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
        with pytest.raises(NoTissue):
            prepared_as(cv2.imdecode(coded, cv2.IMREAD_COLOR), RegionSource.CONTOUR)


@pytest.mark.parametrize("probe", Probe)
def test_scan_is_not_refused(probe: Probe) -> None:
    for seed in range(8):
        made = make_frame(seed, probe=probe, colour=seed % 4 == 0)
        check_content(cv2.cvtColor(made.pixels, cv2.COLOR_RGB2GRAY))


def test_the_step_from_a_dim_end_to_black_is_no_layer() -> None:
    rng = np.random.default_rng(0)
    scan = np.clip(rng.normal(90, 30, (480, 640)), 0, 255)
    scan[300:] = rng.normal(30, 6, (180, 640))
    scan[400:] = 0
    check_content(scan.astype(np.uint8))


def test_black_is_left_to_the_contour() -> None:
    check_content(np.zeros((64, 64), np.uint8))
    with pytest.raises(NoTissue, match="black"):
        prepared_as(np.zeros((64, 64), np.uint8), RegionSource.CONTOUR)


def test_declared_region_is_believed() -> None:
    """The rules are for machines that declare nothing: a region that says 2D overrules them."""
    prepared_as(m_mode(1), RegionSource.DICOM)
    with pytest.raises(NoTissue):
        prepared_as(m_mode(1), RegionSource.DEVICE)


@pytest.mark.parametrize("size", [(33, 33), (32, 900), (900, 32), (48, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    for fill in (0, 255):
        try:
            check_content(np.full(size, fill, np.uint8))
        except NoTissue:
            assert fill


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="SCANSIDE_DATA is not set: no MMOTU to read")
def test_no_real_scan_is_refused() -> None:
    from pydicom.dataset import Dataset

    refused = []
    paths = sorted(Path(DATA or "", "mmotu", "images").iterdir())
    for path in paths:
        frame = Frame(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))
        try:
            prepare(frame, find_regions(Dataset(), frame.size)[0], INPUT)
        except NoTissue as reason:
            refused.append((path.name, str(reason)))
    assert len(paths) > 1000 and refused == []
