"""Flat frames of which everything is known: a sector of speckle and layers with one lesion, drawn at once."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from scanside.image import Mask, Size
from scanside.phantom.sector import cut_fan
from scanside.phantom.speckle import Plane, draw_even_speckle, draw_layers


class Probe(str, Enum):
    """The shapes in which probes show tissue."""

    CURVED = "curved"
    LINEAR = "linear"
    TRAPEZOID = "trapezoid"
    ENDOCAVITY = "endocavity"


@dataclass(frozen=True)
class FlatFrame:
    """One frame and its truth.

    Attributes:
        light: (H, W) float32, black outside the sector, white from 1 on.
        sector: (H, W) bool: where tissue is drawn.
        lesion: (H, W) bool, inside the sector.
        malignant: whether the lesion has solid parts and a ragged edge.
    """

    light: Plane
    sector: Mask
    lesion: Mask
    probe: Probe
    malignant: bool


def draw_frame(
    size: Size, rng: np.random.Generator, probe: Probe | None = None, malignant: bool | None = None
) -> FlatFrame:
    """Draw one frame; probe and malignancy are drawn by chance where they are not given."""
    probes = list(Probe)
    drawn_probe, drawn_malignant = probes[rng.integers(len(probes))], bool(rng.integers(2))
    probe = probe or drawn_probe
    malignant = drawn_malignant if malignant is None else malignant
    sector = _draw_sector(probe, size, rng)
    lesion, inside = _draw_lesion(sector, malignant, rng)
    tissue = draw_even_speckle(size, rng) * draw_layers(size, rng)
    light = np.where(lesion, tissue * inside, tissue) * sector
    return FlatFrame(np.asarray(light, np.float32), sector, lesion, probe, malignant)


def measure_ellipse(
    size: Size, centre: tuple[float, float], radii: tuple[float, float]
) -> tuple[Plane, Plane]:
    """How far each pixel lies from the centre of an ellipse, down and across, in its radii.

    Args:
        centre, radii: down and across, pixels.
    """
    y, x = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    return (y - centre[0]) / radii[0], (x - centre[1]) / radii[1]


def _draw_sector(probe: Probe, size: Size, rng: np.random.Generator) -> Mask:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    top, bottom = height * rng.uniform(0.07, 0.12), height * rng.uniform(0.88, 0.95)
    middle = width * rng.uniform(0.47, 0.53)
    across = np.abs(x - middle)
    if probe is Probe.LINEAR:
        return np.asarray((across < 0.3 * width) & (y > top) & (y < bottom), bool)
    if probe is Probe.TRAPEZOID:
        half = width * (0.2 + 0.14 * (y - top) / (bottom - top))
        return np.asarray((across < half) & (y > top) & (y < bottom), bool)
    degrees, curvature = (33, 0.5) if probe is Probe.CURVED else (58, 0.14)
    wider = rng.uniform(0.94, 1.06)
    within = np.ones(size, bool)
    return cut_fan(x - middle, y - top, within, 0.43 * width, bottom - top, degrees * wider, curvature).mask


def _draw_lesion(sector: Mask, malignant: bool, rng: np.random.Generator) -> tuple[Mask, Plane]:
    """An ellipse near the sector's middle, and the brightness of what it holds relative to tissue."""
    height, width = sector.shape
    rows, columns = np.nonzero(sector)
    cy, cx = np.median(rows) + height * rng.uniform(-0.06, 0.06), np.median(columns)
    cx += width * rng.uniform(-0.05, 0.05)
    ry, rx = height * rng.uniform(0.1, 0.17), height * rng.uniform(0.12, 0.21)
    down, across = measure_ellipse(Size(height, width), (cy, cx), (ry, rx))
    angle = np.arctan2(down, across)
    edge = np.ones_like(down)
    if malignant:
        for lobes in (3, 5, 8):
            edge += rng.uniform(0.03, 0.07) * np.sin(lobes * angle + rng.uniform(0, 6.3))
    distance = np.hypot(down, across) / edge
    inside = np.full_like(down, 0.15)
    for _ in range(rng.integers(3, 6) if malignant else 0):  # solid, papillary parts on the wall
        at, size = rng.uniform(0, 6.3), rng.uniform(0.18, 0.3)
        solid = np.hypot(down - 0.7 * np.sin(at), across - 0.7 * np.cos(at)) < size
        inside[solid] = rng.uniform(0.45, 0.7)
    return np.asarray((distance < 1) & sector, bool), inside
