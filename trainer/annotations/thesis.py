"""The thesis's own annotations: two calipers across the lesion and, at times, text (thesis 3.1.1)."""

from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask
from trainer.annotations.scene import find_outline

TEXTS = ("Rt. Ovary", "Lt. Ovary", "LL Ovary", "Li Ov", "Rt Ov", "Fluid")
_HEIGHT_PX = 336  # the thesis draws on images of 336 x 544 px
_TEXT_SHARE = 0.6
_CYAN, _YELLOW, _WHITE = (0, 255, 255), (255, 255, 0), (255, 255, 255)
_COLOUR_SHARES = (0.30, 0.36, 0.34)
_DOTS = 16


def draw_as_thesis(
    pixels: NDArray[np.uint8],
    lesion: Mask,
    rng: np.random.Generator,
    thickness: float = 3,
    dot_radius: float = 1,
) -> tuple[NDArray[np.uint8], Mask]:
    """Draw two calipers across the lesion and, on some scans, text above it.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        lesion: (H, W) bool, not empty.
        thickness, dot_radius: of a caliper's cross and of the dots that join two, px of 336 rows.

    Returns:
        (H, W, 3) uint8, a copy; (H, W) bool, what was drawn.
    """
    drawn, where = pixels.copy(), np.zeros(pixels.shape[:2], np.uint8)
    scale = pixels.shape[0] / _HEIGHT_PX
    colour = (_CYAN, _YELLOW, _WHITE)[rng.choice(3, p=_COLOUR_SHARES)]
    inks = ((drawn, colour), (where, (255, 255, 255)))  # all is drawn twice: seen, and where
    edge = find_outline(lesion)
    angle = rng.uniform(0, np.pi)
    for turn in (angle, angle + np.pi / 2 + rng.normal(0, 0.15)):
        along = edge @ np.array([np.cos(turn), np.sin(turn)], np.float32)
        ends = edge[along.argmin()], edge[along.argmax()]
        for canvas, ink in inks:
            _draw_caliper(canvas, *ends, ink, round(10 * scale), thickness * scale, dot_radius * scale)
    if rng.random() < _TEXT_SHARE:
        x, y = edge[rng.integers(len(edge))]
        size = 0.45 * scale
        text = TEXTS[rng.integers(len(TEXTS))]
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
        x = int(np.clip(x - width / 2, 0, pixels.shape[1] - width))
        y = int(max(y - 10 * scale, height))
        line = max(1, round(scale))
        for canvas, ink in inks:
            cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, line, cv2.LINE_AA)
    return drawn, where > 0


def _draw_caliper(
    canvas: NDArray[np.uint8],
    start: NDArray[np.float32],
    end: NDArray[np.float32],
    ink: tuple[int, int, int],
    width: int,
    thickness: float,
    dot_radius: float,
) -> None:
    for point in (start, end):
        at = (round(float(point[0])), round(float(point[1])))
        cv2.drawMarker(canvas, at, ink, cv2.MARKER_CROSS, max(5, width), max(1, round(thickness)))
    for share in islice(np.linspace(0, 1, _DOTS + 2), 1, _DOTS + 1):
        x, y = start + share * (end - start)
        cv2.circle(canvas, (round(float(x)), round(float(y))), max(0, round(dot_radius)), ink, -1)
