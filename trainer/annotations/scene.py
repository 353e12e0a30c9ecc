"""Where on a scan something can be drawn, and how large."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Box, Mask

Point = tuple[float, float]
Outline = NDArray[np.float32]
_SIDE_PX = 520  # a sector this large has strokes of unit size; MMOTU's are
_UNITS = (0.5, 2.5)


@dataclass(frozen=True)
class Scene:
    """What is under the annotations.

    Attributes:
        sector: (H, W) bool: tissue.
        box: the sector's.
        edge: (M, 2) float32 x, y: the lesion's outline.
        unit: length in px of what is 1 px on a screen of usual size.
    """

    sector: Mask
    box: Box
    edge: Outline
    unit: float

    @property
    def centre(self) -> Point:
        x, y = self.edge.mean(axis=0)
        return float(x), float(y)

    def px(self, length: float, least: int = 1) -> int:
        """Convert `length` on a screen of usual size to whole pixels of this one."""
        return max(least, round(length * self.unit))

    def anywhere(self, rng: np.random.Generator) -> Point:
        """Choose a point of the sector."""
        return _choose_point(self.sector, self.box, rng)

    def near_lesion(self, rng: np.random.Generator, spread: float = 0.6) -> Point:
        """Choose a point in the lesion or a little beside it; inside the image."""
        half = np.ptp(self.edge, axis=0) / 2
        x, y = np.array(self.centre) + rng.normal(0, spread, 2) * half
        height, width = self.sector.shape
        return float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1))

    def across(self, angle: float) -> tuple[Point, Point]:
        """Find the two points of the lesion's outline that lie furthest apart in a direction."""
        along = self.edge @ np.array([np.cos(angle), np.sin(angle)], np.float32)
        (ax, ay), (bx, by) = self.edge[along.argmin()], self.edge[along.argmax()]
        return (float(ax), float(ay)), (float(bx), float(by))


def look_at_scan(lesion: Mask | None, sector: Mask, rng: np.random.Generator) -> Scene:
    """Make the scene of a scan.

    Args:
        lesion: (H, W) bool; None or empty: an ellipse drawn at random stands in for it.
        sector: (H, W) bool; empty: the whole image.
    """
    if not sector.any():
        sector = np.ones_like(sector)
    x, y, width, height = cv2.boundingRect(sector.view(np.uint8))
    box, side = Box(x, y, x + width, y + height), float(np.sqrt(np.count_nonzero(sector)))
    unit = float(np.clip(side / _SIDE_PX * np.exp(rng.uniform(np.log(0.8), np.log(1.35))), *_UNITS))
    if lesion is not None and lesion.any():
        return Scene(sector, box, find_outline(lesion), unit)
    return Scene(sector, box, _choose_ellipse(sector, box, side, rng), unit)


def find_outline(lesion: Mask) -> Outline:
    """Find the outline of the largest part of a mask that is not empty: (M, 2) x, y."""
    contours, _ = cv2.findContours(lesion.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(contours, key=cv2.contourArea)[:, 0], np.float32)


def _choose_point(sector: Mask, box: Box, rng: np.random.Generator) -> Point:
    """Choose a pixel of the sector; by trial, since a sector fills most of its box."""
    while True:
        x, y = int(rng.integers(box.x0, box.x1)), int(rng.integers(box.y0, box.y1))
        if sector[y, x]:
            return float(x), float(y)


def _choose_ellipse(sector: Mask, box: Box, side: float, rng: np.random.Generator) -> Outline:
    centre = np.array(_choose_point(sector, box, rng))
    long, turn = side * rng.uniform(0.06, 0.3), rng.uniform(0, np.pi)
    angles = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    flat = np.stack([long * np.cos(angles), long * rng.uniform(0.5, 1) * np.sin(angles)], axis=1)
    turned = flat @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    low, high = (box.x0, box.y0), (box.x1 - 1, box.y1 - 1)
    return np.asarray(np.clip(centre + turned, low, high), np.float32)
