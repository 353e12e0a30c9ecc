"""What examiners burn into a slide: calipers and text (thesis 3.1.1; sizes at its 336 x 544 px)."""

from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.scan.types import Mask

TEXTS = ("Rt. Ovary", "Lt. Ovary", "LL Ovary", "Li Ov", "Rt Ov", "Fluid")
_TEXT_SHARE = 0.6
_CYAN, _YELLOW, _WHITE = (0, 255, 255), (255, 255, 0), (255, 255, 255)
_COLOUR_SHARES = (0.30, 0.36, 0.34)
_DOTS = 16


def annotate(pixels: NDArray[np.uint8], lesion: Mask, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Two calipers across the lesion and, on some slides, text above it.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        lesion: (H, W) bool, not empty.

    Returns:
        (H, W, 3) uint8, a copy.
    """
    drawn = pixels.copy()
    scale = pixels.shape[0] / 336
    colour = (_CYAN, _YELLOW, _WHITE)[rng.choice(3, p=_COLOUR_SHARES)]
    contours, _ = cv2.findContours(lesion.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edge = max(contours, key=cv2.contourArea)[:, 0].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    for turn in (angle, angle + np.pi / 2 + rng.normal(0, 0.15)):
        along = edge @ np.array([np.cos(turn), np.sin(turn)], np.float32)
        _caliper(drawn, edge[along.argmin()], edge[along.argmax()], scale, colour)
    if rng.random() < _TEXT_SHARE:
        x, y = edge[rng.integers(len(edge))]
        size = 0.45 * scale
        text = TEXTS[rng.integers(len(TEXTS))]
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        x = int(np.clip(x - width / 2, 0, pixels.shape[1] - width))
        y = int(max(y - 10 * scale, height))
        line = max(1, round(scale))
        cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, line, cv2.LINE_AA)
    return drawn


def _caliper(
    drawn: NDArray[np.uint8],
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    scale: float,
    colour: tuple[int, int, int],
) -> None:
    for point in (start, end):
        at = (round(float(point[0])), round(float(point[1])))
        arms, thickness = max(5, round(10 * scale)), max(1, round(2 * scale))
        cv2.drawMarker(drawn, at, colour, cv2.MARKER_CROSS, arms, thickness)
    for share in islice(np.linspace(0, 1, _DOTS + 2), 1, _DOTS + 1):
        x, y = start + share * (end - start)
        cv2.circle(drawn, (round(float(x)), round(float(y))), max(0, round(0.7 * scale)), colour, -1)
