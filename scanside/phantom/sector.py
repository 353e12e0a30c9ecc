"""The shapes that probes show on a screen, as masks by geometry alone, so the truth is known."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from scanside.image import Box, Mask, Size

Polar = NDArray[np.float32]


class Shape(str, Enum):
    """What a sector of tissue can look like."""

    CURVED = "curved"
    LINEAR = "linear"
    TRAPEZOID = "trapezoid"
    VIRTUAL_CONVEX = "virtual convex"
    STEERED = "steered linear"
    PHASED = "phased array"
    ENDOCAVITY = "endocavity"
    ENDOCAVITY_DOWN = "endocavity upside down"
    CLIPPED = "cut by the screen's edge"


@dataclass(frozen=True)
class Sector:
    """One sector and the part of its surroundings where a machine could write something.

    Attributes:
        mask: (H, W) bool.
        lens: (H, W) bool: between a curved probe's face and the chord over it; may be empty.
        beam: (H, W) float32: which beam a pixel lies on, -1 to 1 from side to side.
    """

    mask: Mask
    lens: Mask
    beam: NDArray[np.float32]


def make_sector(shape: Shape, size: Size, area: Box, rng: np.random.Generator) -> Sector:
    """A sector of `shape` that fills most of `area` of a frame of `size`."""
    y, x = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    (height, width), middle = area.size, (area.x0 + area.x1) / 2
    if shape is Shape.ENDOCAVITY_DOWN:
        y = area.y0 + area.y1 - 1 - y
    # Below, x runs from the middle and y from the sector's upper edge; `deep` is its lower edge.
    deep = height * rng.uniform(0.86, 1.0)
    y, x = y - area.y0, x - middle
    within = (abs(x) < width / 2) & (y >= 0) & (y < height)
    if shape is Shape.CLIPPED:  # larger than the area, which cuts it at the sides and below
        return cut_fan(
            x, y, within, 0.49 * (1.25 * width), 1.1 * height, rng.uniform(40, 70), rng.uniform(0.15, 0.4)
        )
    if shape in (Shape.ENDOCAVITY, Shape.ENDOCAVITY_DOWN):
        return cut_fan(x, y, within, 0.49 * width, deep, rng.uniform(58, 88), rng.uniform(0.1, 0.18))
    if shape is Shape.CURVED:
        return cut_fan(x, y, within, 0.49 * width, deep, rng.uniform(28, 38), rng.uniform(0.35, 0.55))
    if shape is Shape.PHASED:
        return cut_fan(x, y, within, 0.49 * width, deep, rng.uniform(38, 46), 0.02)
    half, nothing = width * rng.uniform(0.3, 0.45), np.zeros(size, bool)
    lower = (y > 0) & (y < deep)
    if shape is Shape.LINEAR:
        return Sector(lower & (abs(x) < half), nothing, x / half)
    if shape is Shape.STEERED:
        lean = np.tan(np.deg2rad(rng.uniform(8, 18))) * rng.choice([-1, 1])
        half = min(half, width / 2 - abs(lean) * deep / 2)
        x -= lean * (y - deep / 2)
        return Sector(lower & (abs(x) < half), nothing, x / half)
    top = rng.uniform(0.4, 0.7)
    beam = x / np.maximum(half * (top + (1 - top) * y / deep), 1)
    sides = abs(beam) < 1
    if shape is Shape.TRAPEZOID:
        return Sector(lower & sides, nothing, beam)
    radius = half**2 / (0.3 * deep)  # virtual convex: flat above, an arc below
    return Sector((y > 0) & sides & (np.hypot(x, y - deep + radius) < radius), nothing, beam)


def to_polar(x: NDArray[np.float32], down: NDArray[np.float32]) -> tuple[Polar, Polar]:
    """Where pixels lie about a fan's apex: distance, and angle from straight down in radians.

    Args:
        x, down: to the right of the apex and below it.
    """
    return np.asarray(np.hypot(x, down), np.float32), np.asarray(np.arctan2(x, down), np.float32)


def cut_fan(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    within: Mask,
    half_width: float,
    deep: float,
    degrees: float,
    face: float,
) -> Sector:
    """Cut the sector of a curved probe: two arcs about an apex above the picture.

    Args:
        x, y: (H, W) float32, pixels from the sector's middle and from its upper edge.
        within: (H, W) bool, where the sector may lie.
        half_width: pixels, at most.
        deep: row of its lower edge.
        degrees: to either side.
        face: the inner radius as a share of the outer.
    """
    angle = np.deg2rad(degrees)
    outer = min(deep / (1 - face * np.cos(angle)), half_width / np.sin(angle))
    inner = face * outer
    down = y + inner * np.cos(angle)
    radius, turned = to_polar(x, down)
    wedge = within & (abs(x) < np.tan(angle) * down)
    beam = np.asarray(turned / angle, np.float32)
    return Sector(wedge & (radius > inner) & (radius < outer), wedge & (radius < inner - 1), beam)
