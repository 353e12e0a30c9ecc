"""The square around the lesion: where it lies, what is in it, and what happens without a lesion."""

import numpy as np
import pytest

from scanside.image import Box
from trainer.data.cascade import crop_scan, find_lesion_box


def outlined(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    lesion = np.zeros((336, 544), bool)
    for x0, y0, x1, y1 in boxes:
        lesion[y0:y1, x0:x1] = True
    return lesion


def test_the_largest_outline_counts_widened_by_one_percent_a_side() -> None:
    lesion = outlined((100, 50, 300, 150), (400, 200, 450, 250))
    assert find_lesion_box(lesion) == Box(98, 49, 302, 151)
    assert find_lesion_box(lesion, margin=0) == Box(100, 50, 300, 150)


def test_the_box_ends_at_the_edge_of_the_image() -> None:
    assert find_lesion_box(outlined((0, 0, 544, 336))) == Box(0, 0, 544, 336)


def test_without_an_outline_the_centre_is_taken() -> None:
    assert find_lesion_box(outlined()) == Box(144, 40, 400, 296)
    assert find_lesion_box(np.zeros((100, 300), bool)) == Box(22, 0, 278, 100)


@pytest.mark.parametrize("side", [1, 2])
def test_a_speck_is_a_lesion_too(side: int) -> None:
    assert find_lesion_box(outlined((10, 20, 10 + side, 20 + side))) == Box(9, 19, 11 + side, 21 + side)


def test_a_flat_box_keeps_its_proportions_in_the_middle_of_the_square() -> None:
    scan = np.full((336, 544), 200, np.uint8)
    square = crop_scan(scan, Box(100, 100, 428, 264))
    assert square.shape == (164, 164) and square.dtype == np.uint8
    assert not square[:41].any() and not square[123:].any()
    assert (square[41:123] == 200).all()


def test_pixels_are_those_of_the_box() -> None:
    scan = np.random.default_rng(0).integers(0, 256, (336, 544), np.uint8)
    assert np.array_equal(crop_scan(scan, Box(30, 40, 194, 204)), scan[40:204, 30:194])
    assert np.array_equal(crop_scan(scan, Box(30, 40, 40, 50), side=10), scan[40:50, 30:40])
