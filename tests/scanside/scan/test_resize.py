"""Resizing is whole-number arithmetic: the same to the bit on every processor."""

import ast
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scanside
from scanside.image import Size
from scanside.scan.resize import resize, resize_mask, shrink

HOUSE = Path(scanside.__file__).parents[1]
DECIDES = (
    "scanside/dicom",
    "scanside/scan",
    "scanside/deidentify",
    "scanside/assess",
    "trainer/data",
    "trainer/denoiser",
)
DRAWS = ("scanside/assess/explain.py",)  # what it resizes is looked at, and nothing else is done with it
AFTER = [  # what a network gave back is laid over the frame: nothing reads it but a person, or a threshold
    ("scanside/scan/prepare.py", "cv2.resize(lesion, size, interpolation=cv2.INTER_LINEAR)"),
    ("scanside/deidentify/text.py", "cv2.resize(found, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)"),
]
SIDES = st.integers(1, 60)


def weights(source: int, target: int) -> np.ndarray:
    """(target, source): how much of each source pixel lies in each target pixel, by its definition."""
    edges = np.arange(source + 1) * target
    start, end = np.arange(target)[:, None] * source, np.arange(1, target + 1)[:, None] * source
    return np.clip(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0, None)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_shrinking_averages_what_each_pixel_covers(
    height: int, width: int, down: int, across: int, seed: int
) -> None:
    size = Size(height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, (height + down, width + across), np.uint8)
    sums = weights(height + down, height) @ pixels.astype(np.int64) @ weights(width + across, width).T
    assert np.array_equal(resize(pixels, size), np.rint(sums / pixels.size))
    area = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(resize(pixels, size).astype(int) - area).max() <= 1
    share = weights(height + down, height) @ (pixels > 127).astype(int) @ weights(width + across, width).T
    assert np.array_equal(resize_mask(pixels > 127, size), 2 * share > pixels.size)


def test_a_large_picture_does_not_overflow() -> None:
    white = np.full((3000, 3100), 255, np.uint8)
    assert (resize(white, Size(336, 544)) == 255).all()
    assert (shrink(white, 20, 20) == 255).all()


@given(SIDES, SIDES, st.integers(1, 9), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_blocks_are_averaged(height: int, width: int, down: int, across: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    rows, columns = height // down, width // across
    blocks = pixels[: rows * down, : columns * across].reshape(rows, down, columns, across).astype(int)
    assert np.array_equal(shrink(pixels, down, across), np.floor(blocks.mean(axis=(1, 3)) + 0.5))


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_mask_covers_what_its_share_says(share: float) -> None:
    mask = np.zeros((4, 4), bool)
    mask[:2] = True
    assert resize_mask(mask, Size(8, 4), share).sum(axis=0).tolist() == [4 if share == 0.5 else 5] * 4
    assert resize_mask(mask, Size(1, 1), share).all() == (share < 0.5)


def test_nothing_that_decides_what_a_network_reads_resizes_in_another_way() -> None:
    found = []
    for place in DECIDES:
        for path in [HOUSE / place] if place.endswith(".py") else sorted((HOUSE / place).glob("**/*.py")):
            name = path.relative_to(HOUSE).as_posix()
            calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            for call in calls:
                if ast.unparse(call.func) == "cv2.resize" and name not in DRAWS:
                    found.append((name, ast.unparse(call)))
    others = [(name, call) for name, call in found if name != "scanside/scan/resize.py"]
    others = [(name, call) for name, call in others if "INTER_NEAREST" not in call]
    assert others == AFTER
    assert len(found) > 3
