"""The labels agree with the split, with each other and, where a copy of MMOTU is at hand, with the images."""

import os
from collections import Counter
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from scanside.errors import InputError
from scanside.image import Mask
from scanside.scan.prepare import to_grey
from scanside.scan.sector.contour import find_sector
from trainer.data.mmotu import find_layout, read_split
from trainer.denoiser.labels import KINDS, list_pixel_labelled, read_labels, read_pixel_mask

LABELS = {label.image: label for label in read_labels()}


def test_each_scan_is_labelled_once_and_lies_in_its_part_of_the_split() -> None:
    parts = {entry.image: entry.part for entry in read_split()}
    assert len(LABELS) == len(read_labels()) >= 450
    assert [label.image for label in read_labels()] == sorted(LABELS)
    assert all(parts[image] == label.part for image, label in LABELS.items())


def test_the_random_sample_is_as_large_in_training_as_in_what_is_held_out() -> None:
    drawn = Counter(label.part == "train" for label in LABELS.values() if label.drawn)
    assert drawn[True] == drawn[False] == 170


def test_kinds_are_known_and_each_occurs() -> None:
    assert set().union(*(label.kinds for label in LABELS.values())) == set(KINDS)


def test_clean_means_that_no_kind_is_burned_in() -> None:
    clean = [label for label in LABELS.values() if label.clean]
    assert {label.part for label in clean} == {"train", "validation", "test"}
    assert all(label.tissue_clean and not label.doppler and not label.unsure for label in clean)
    assert sum(label.tissue_clean for label in LABELS.values()) > len(clean)


def test_at_least_fifty_annotated_scans_have_pixel_labels_about_half_of_them_held_out() -> None:
    labelled = [LABELS[image] for image in list_pixel_labelled()]
    assert len(labelled) >= 50
    assert not any(label.clean for label in labelled)
    assert 0.4 < np.mean([label.part == "train" for label in labelled]) < 0.6
    assert set().union(*(label.kinds for label in labelled)) == set(KINDS)


@pytest.mark.parametrize("image", list_pixel_labelled())
def test_a_mask_holds_drawn_pixels_and_mostly_tissue(image: int) -> None:
    mask = read_pixel_mask(image)
    assert mask.dtype == bool and mask.ndim == 2
    assert 100 < np.count_nonzero(mask) < 0.15 * mask.size


def test_an_image_without_pixel_labels_is_refused() -> None:
    clean = next(label.image for label in LABELS.values() if label.clean)
    with pytest.raises(InputError, match=f"image {clean} has no pixel labels"):
        read_pixel_mask(clean)


def test_masks_fit_the_real_images_and_lie_inside_the_sector_but_for_text_at_its_edge() -> None:
    inside = outside = 0
    for image in list_pixel_labelled():
        mask, (_, sector) = read_pixel_mask(image), _scan(image)
        assert mask.shape == sector.shape
        inside, outside = inside + np.count_nonzero(mask & sector), outside + np.count_nonzero(mask & ~sector)
    assert inside > 100_000 and outside < 0.1 * inside


def test_what_is_bright_yellow_inside_the_sector_is_labelled() -> None:
    found = labelled = 0
    for image in list_pixel_labelled():
        if LABELS[image].doppler or image == PANEL:  # colour Doppler has yellow too
            continue
        pixels, sector = _scan(image)
        red, green, blue = (plane.astype(int) for plane in cv2.split(pixels))
        yellow = sector & (np.minimum(red, green) - blue > 90) & (np.minimum(red, green) > 180)
        found += np.count_nonzero(yellow)
        labelled += np.count_nonzero(yellow & read_pixel_mask(image))
    assert found > 4000 and labelled > 0.99 * found


PANEL = 1257  # since it was labelled, its sector takes in the corner below a panel of measurements


@cache
def _scan(image: int) -> tuple[NDArray[np.uint8], Mask]:
    """A real image, RGB, and its sector."""
    data = os.environ.get("SCANSIDE_DATA")
    if not data:
        pytest.skip("SCANSIDE_DATA is not set: no copy of MMOTU to check the labels against")
    entry = next(entry for entry in read_split() if entry.image == image)
    pixels = cv2.imread(str(find_layout(Path(data) / "mmotu").image(entry)), cv2.IMREAD_COLOR_RGB)
    rgb = np.asarray(pixels, np.uint8)
    return rgb, find_sector(to_grey(rgb))
