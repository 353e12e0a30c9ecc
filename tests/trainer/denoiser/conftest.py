"""A drawn scan to make pairs on."""

import cv2
import numpy as np
import pytest

from trainer.denoiser.pairs import Source, find_whole_sector


def speckle(height: int, width: int, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: a sector of grey speckle on black, with room around it."""
    rng = np.random.default_rng(seed)
    tissue = cv2.GaussianBlur(rng.integers(60, 200, (height, width), np.uint8), (5, 3), 0)
    sector = np.zeros((height, width), np.uint8)
    cv2.ellipse(sector, (width // 2, 5), (width // 2 - 10, height - 15), 0, 0, 180, 1, -1)
    return cv2.cvtColor(tissue * sector, cv2.COLOR_GRAY2RGB)


@pytest.fixture
def source() -> Source:
    pixels = speckle(300, 400)
    lesion = np.zeros((300, 400), np.uint8)
    cv2.ellipse(lesion, (200, 120), (70, 40), 0, 0, 360, 1, -1)
    return Source("7", pixels, lesion > 0, find_whole_sector(pixels)[1], None, np.zeros((300, 400), bool))
