"""A stand-in for MMOTU with its file names and layout, drawn so small that a smoke run takes seconds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: these tests need scanside-trainer[train]")


@pytest.fixture(scope="session")
def mmotu_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright speckle with one dark ellipse, whose roundness hangs on the class; images and masks."""
    from trainer.data.mmotu import read_split

    root = tmp_path_factory.mktemp("mmotu")
    (root / "images").mkdir()
    (root / "annotations").mkdir()
    for entry in read_split():
        rng = np.random.default_rng(entry.image)
        pixels = cv2.GaussianBlur(rng.integers(60, 255, (120, 176), np.uint8), (5, 3), 0)
        lesion = np.zeros((120, 176), np.uint8)
        centre = tuple(int(v) for v in rng.integers((60, 45), (116, 75)))
        cv2.ellipse(lesion, centre, (14 + 2 * entry.label, 28 - 2 * entry.label), 0, 0, 360, 1, -1)
        pixels[lesion > 0] //= 6
        cv2.imwrite(str(root / "images" / f"{entry.image}.JPG"), pixels)
        cv2.imwrite(str(root / "annotations" / f"{entry.image}_binary.PNG"), lesion)
    return root
