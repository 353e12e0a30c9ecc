"""Doppler's colours of flow: no annotation, though as colourful as one. Drawn onto both scans of a pair."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.scan.types import Mask
from trainer.annotations.scene import look_at

# From fast away to fast towards the probe.
MAP = np.array(
    [(120, 255, 255), (0, 120, 255), (0, 0, 130), (0, 0, 0), (130, 0, 0), (255, 60, 0), (255, 255, 90)]
)
_LEAST = 0.18  # of the largest velocity: slower flow is filtered out and shows tissue


def draw_flow(pixels: NDArray[np.uint8], sector: Mask, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One to six coloured vessels.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        sector: (H, W) bool, tissue; no flow is drawn beyond it.

    Returns:
        (H, W, 3) uint8, a copy.
    """
    scene, velocity = look_at(None, sector, rng), np.zeros(pixels.shape[:2], np.float32)
    for _ in range(rng.integers(1, 7)):
        x, y = (round(v) for v in scene.anywhere(rng))
        axes = (scene.px(rng.uniform(3, 30), 2), scene.px(rng.uniform(2, 14), 2))
        speed = float(rng.uniform(0.4, 1.3) * rng.choice([-1, 1]))
        cv2.ellipse(velocity, (x, y), axes, rng.uniform(0, 180), 0, 360, speed, -1)
    grain = cv2.GaussianBlur(rng.normal(0, 1, velocity.shape).astype(np.float32), (0, 0), 2 * scene.unit)
    velocity = cv2.GaussianBlur(velocity, (0, 0), 2.5 * scene.unit) * (1 + 2 * grain)
    shown = (np.abs(velocity) > _LEAST) & scene.sector
    at = (np.clip(velocity[shown], -1, 1) + 1) / 2 * (len(MAP) - 1)
    drawn = pixels.copy()
    for plane in range(3):
        drawn[shown, plane] = np.interp(at, range(len(MAP)), MAP[:, plane])
    return drawn
