"""Random views of a scan. Each draws from (seed, epoch, image): a restart repeats them exactly."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Grey, Size
from trainer.settings.augmentation import Augmentation


def augment(
    scan: Grey, mask: Grey, size: Size, ranges: Augmentation, rng: np.random.Generator
) -> tuple[Grey, Grey]:
    """Draw one random view at `size`.

    Args:
        scan: (H, W) uint8.
        mask: (H, W) uint8 of 0 and 1, moved along with the scan.

    Returns:
        Scan and mask, (size.height, size.width) uint8; black and 0 where the view leaves the scan.
    """
    matrix = _affine(Size(*scan.shape), size, ranges, rng)
    if ranges.border and rng.random() < ranges.border:
        matrix = _shrink(size, rng) @ np.vstack([matrix, [0, 0, 1]])
    target = (size.width, size.height)
    view = cv2.warpAffine(scan, matrix, target, flags=cv2.INTER_LINEAR)
    moved = cv2.warpAffine(mask, matrix, target, flags=cv2.INTER_NEAREST)
    if ranges.gamma:
        exponent = (1 + ranges.gamma) ** rng.uniform(-1, 1)
        view = cv2.LUT(view, (255 * np.linspace(0, 1, 256) ** exponent).astype(np.uint8))
    if ranges.gain:
        factor = (1 + ranges.gain) ** rng.uniform(-1, 1)
        view = np.minimum(view * factor, 255).astype(np.uint8)
    if ranges.jpeg and rng.random() < ranges.jpeg:
        _, stored = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 91))])
        view = np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.asarray(view, np.uint8), np.asarray(moved, np.uint8)


def _shrink(size: Size, rng: np.random.Generator) -> NDArray[np.float64]:
    """Map a view to the same, smaller, somewhere in its frame; 2 x 3."""
    scale = rng.uniform(0.75, 1)
    room = (1 - scale) * np.array([size.width - 1, size.height - 1])
    return np.hstack([scale * np.eye(2), (rng.random(2) * room)[:, None]])


def _affine(
    source: Size, target: Size, ranges: Augmentation, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Map source pixels to target pixels, about the centre, as the 2 x 3 matrix that OpenCV takes."""
    angle = np.deg2rad(rng.uniform(-1, 1) * ranges.rotation_deg)
    shear = np.tan(np.deg2rad(rng.uniform(-1, 1) * ranges.shear_deg))
    scale = 1 + rng.uniform(-1, 1) * ranges.scale
    mirror = -1.0 if rng.random() < ranges.flip else 1.0
    extent = np.array([target.width, target.height])
    shift = rng.uniform(-1, 1, 2) * ranges.shift * extent + np.floor(ranges.constant_shift * extent)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    view = turn @ np.array([[1, shear], [0, 1]]) @ np.diag([mirror * scale, scale])
    view = np.diag([target.width / source.width, target.height / source.height]) @ view
    centre = np.array([source.width - 1, source.height - 1]) / 2
    offset = np.array([target.width - 1, target.height - 1]) / 2 + shift - view @ centre
    return np.hstack([view, offset[:, None]])
