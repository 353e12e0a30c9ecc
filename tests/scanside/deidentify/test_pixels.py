"""Text beside tissue becomes black wherever it stands; tissue stays."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from scanside.deidentify.pixels import blank_outside_tissue
from scanside.errors import NoTissue
from scanside.image import Frame, Mask, Size
from tests.synth.scans import Probe, make_frame

Picture = tuple[NDArray[np.uint8], Mask]
NEAR_PX = 12  # parts of letters that touch the tissue may stay


def write(pixels: NDArray[np.uint8], at: tuple[int, int], scale: float = 0.7, thick: int = 1) -> None:
    font, white = cv2.FONT_HERSHEY_DUPLEX, (255, 255, 255)
    cv2.putText(pixels, "SYNTHETIC 12345678", at, font, scale, white, thick, cv2.LINE_AA)


def linear() -> tuple[NDArray[np.uint8], Mask, int]:
    frame = make_frame(5, Size(600, 800), probe=Probe.LINEAR, annotated=False)
    return frame.pixels.copy(), frame.sector, int(np.nonzero(frame.sector.any(axis=1))[0][0])


def bar(gap: int) -> Picture:
    pixels, sector, top = linear()
    pixels[: top - gap] = (38, 66, 110)
    write(pixels, (250, 30))
    return pixels, sector


def grey_screen() -> Picture:
    pixels, sector, _ = linear()
    pixels[~sector] = 25
    write(pixels, (250, 30))
    return pixels, sector


def noisy_screen() -> Picture:
    pixels, sector, _ = linear()
    noise = np.random.default_rng(0).integers(0, 9, pixels.shape, np.uint8)
    pixels = np.maximum(pixels, noise)
    write(pixels, (250, 30))
    return pixels, sector


def between_two_scans() -> Picture:
    frames = [make_frame(seed, Size(600, 400), probe=Probe.CURVED, annotated=False) for seed in (3, 4)]
    pixels = np.hstack([frame.pixels for frame in frames])
    write(pixels, (290, 60))
    return pixels, np.hstack([frame.sector for frame in frames])


def above_the_face() -> Picture:
    frame = make_frame(6, Size(600, 800), probe=Probe.CURVED, annotated=False)
    pixels = frame.pixels.copy()
    write(pixels, (330, int(np.nonzero(frame.sector[:, 400])[0][0]) - 14), 0.6)
    return pixels, frame.sector


@pytest.mark.parametrize(
    "picture",
    [
        lambda: bar(0),
        lambda: bar(2),
        lambda: bar(6),
        grey_screen,
        noisy_screen,
        between_two_scans,
        above_the_face,
    ],
    ids=["bar on tissue", "bar at 2 px", "bar at 6 px", "grey", "noise", "two scans", "above the face"],
)
def test_text_beside_tissue_becomes_black(picture: Callable[[], Picture]) -> None:
    pixels, sector = picture()
    cleaned = blank_outside_tissue(Frame(pixels), Dataset())
    near = cv2.dilate(sector.astype(np.uint8), np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)) > 0
    assert pixels[~near].max() == 255
    assert not cleaned[~near].any()
    core = cv2.erode(sector.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.mean(cleaned[core] == pixels[core]) > 0.99


def test_colour_and_grey_are_cleaned_alike() -> None:
    pixels, _ = above_the_face()
    grey = np.ascontiguousarray(pixels[..., 0])
    assert (
        blank_outside_tissue(Frame(pixels), Dataset())[..., 0] == blank_outside_tissue(Frame(grey), Dataset())
    ).all()


def test_the_frame_itself_is_not_changed() -> None:
    pixels, _ = bar(2)
    before = pixels.copy()
    blank_outside_tissue(Frame(pixels), Dataset())
    assert (pixels == before).all()


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_frame_without_tissue_is_refused(value: int) -> None:
    pixels = np.full((480, 640, 3), value, np.uint8)
    write(pixels, (50, 200))
    with pytest.raises(NoTissue):
        blank_outside_tissue(Frame(pixels), Dataset())
