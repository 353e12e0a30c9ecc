"""Whole screens of a scanner, as hard for the contour as real ones: text close by, bars, logos, two views.

The sectors and every stroke of identifying text are known. No patient's: every name says so.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Box, Grey, Mask, Size
from scanside.phantom.sector import Sector, Shape, make_sector
from scanside.phantom.speckle import Plane, draw_even_speckle, draw_layers

IDENTITY = ("SYNTHETIC^CASE", "ID SYN-0001", "*1970-01-01", "Test Hospital", "Dr. Nobody")
SIZES = (Size(480, 640), Size(600, 800), Size(768, 1024), Size(720, 1280))


@dataclass(frozen=True)
class Console:
    """One screen and its truth.

    Attributes:
        pixels: (H, W, 3) uint8, RGB.
        sectors: (H, W) bool each, left to right: one, or two side by side.
        identity: (H, W) bool: strokes of names, ids and dates, all of them outside the sectors.
        shape: that of its sectors.
    """

    pixels: NDArray[np.uint8]
    sectors: tuple[Mask, ...]
    identity: Mask
    shape: Shape


def make_console(
    seed: int, *, shape: Shape | None = None, views: int | None = None, size: Size | None = None
) -> Console:
    """Draw one screen; what is not given follows from the seed."""
    rng = np.random.default_rng(seed)
    drawn_shape, drawn_size = list(Shape)[rng.integers(len(Shape))], SIZES[rng.integers(len(SIZES))]
    drawn_views = 2 if rng.uniform() < 0.15 else 1
    shape, size, views = shape or drawn_shape, size or drawn_size, views or drawn_views
    areas = _areas(size, views, rng)
    sectors = [make_sector(shape, size, area, rng) for area in areas]
    background = int(rng.choice([0, 0, 0, rng.integers(4, 30)]))
    grey = np.full(size, background, np.uint8)
    for sector in sectors:
        grey = np.where(sector.mask, _tissue(sector, rng), grey)
    tissue = np.any([sector.mask for sector in sectors], axis=0)
    pixels = np.repeat(grey[:, :, None], 3, axis=2)
    thumbnail = _furniture(pixels, areas, rng)
    pixels = np.where(tissue[..., None], grey[..., None], pixels)
    identity = _identity(pixels, sectors, areas, thumbnail, rng)
    if rng.uniform() < 0.7:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 96))]
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR)
    return Console(np.asarray(pixels, np.uint8), tuple(s.mask for s in sectors), identity, shape)


def _areas(size: Size, views: int, rng: np.random.Generator) -> list[Box]:
    top, bottom = (round(size.height * share) for share in (rng.uniform(0.08, 0.14), rng.uniform(0.88, 0.95)))
    left, right = round(size.width * rng.uniform(0.06, 0.12)), round(size.width * rng.uniform(0.88, 0.94))
    if views == 1:
        return [Box(left, top, right, bottom)]
    middle, gap = (left + right) // 2, round(size.width * rng.uniform(0.01, 0.02))
    return [Box(left, top, middle - gap, bottom), Box(middle + gap, top, right, bottom)]


def _tissue(sector: Sector, rng: np.random.Generator) -> Grey:
    """Speckle with what makes a sector's edge hard to see: low gain, attenuation, shadows, cysts."""
    mask, size = sector.mask, Size(*sector.mask.shape)
    rows, columns = np.nonzero(mask)
    y, x = np.mgrid[0 : size.height, 0 : size.width].astype(np.float32)
    depth = (y - rows.min()) / np.ptp(rows)
    light: Plane = draw_even_speckle(size, rng) * draw_layers(size, rng) * np.float32(rng.uniform(0.5, 1.2))
    light *= np.exp(-np.clip(depth, 0, 1) * rng.uniform(0, 1.6))
    edge = np.argwhere(mask & ~(cv2.erode(mask.astype(np.uint8), np.ones((3, 3))) > 0))
    for _ in range(rng.integers(0, 3)):  # cysts, half of them at an edge
        at = edge[rng.integers(len(edge))] if rng.uniform() < 0.5 else [np.median(rows), np.median(columns)]
        ry, rx = rng.uniform(0.05, 0.17, 2) * np.ptp(rows)
        light[np.hypot((y - at[0]) / ry, (x - at[1]) / rx) < 1] *= rng.uniform(0.0, 0.15)
    for _ in range(rng.integers(0, 3)):  # shadows, along the beams from some depth on
        at, width = rng.uniform(-1, 1), rng.uniform(0.04, 0.14)
        shadow = (abs(sector.beam - at) < width) & (depth > rng.uniform(0.15, 0.6))
        light *= np.where(cv2.blur(shadow.astype(np.float32), (9, 9)) > 0.5, rng.uniform(0.03, 0.3), 1)
    return np.clip(255 * light, 0, 255).astype(np.uint8)


def _furniture(pixels: NDArray[np.uint8], areas: list[Box], rng: np.random.Generator) -> Mask:
    """Grey bar, rulers, title bar, logo, body mark, and a thumbnail, over which nothing is written."""
    height, width = pixels.shape[:2]
    first, last = areas[0], areas[-1]
    if rng.uniform() < 0.4:  # a title bar, filled
        pixels[: first.y0 - rng.integers(2, 8)] = rng.integers(20, 90, 3)
    if rng.uniform() < 0.8:
        bar = np.linspace(255, 0, height // 3).astype(np.uint8)[:, None, None]
        at = int(rng.integers(2, max(3, first.x0 - width // 60)))
        pixels[height // 4 : height // 4 + len(bar), at : at + max(4, width // 80)] = bar
    for area in areas:  # a ruler at the area's right, now and then right beside the sector
        across = min(width - 4, area.x1 + int(rng.integers(0, 8)))
        for tick in range(area.y0, area.y1, max(8, height // 20)):
            cv2.line(pixels, (across - 3, tick), (across + 3, tick), (170, 170, 170), 1)
    side = height // 9
    if rng.uniform() < 0.3:  # a maker's logo, filled
        cv2.circle(pixels, (first.x0 // 2 + 4, first.y0 + side), side // 4, (200, 180, 40), -1)
    if rng.uniform() < 0.4:  # a body mark, in outline
        centre = (last.x1 - side // 2, last.y1 - side // 2)
        cv2.ellipse(pixels, centre, (side // 2, side // 3), 0, 0, 360, (180, 180, 180), 1)
        cv2.line(pixels, centre, (centre[0] + side // 4, centre[1] - side // 4), (230, 220, 40), 2)
    thumbnail = np.zeros((height, width), bool)
    if rng.uniform() < 0.25:  # a thumbnail: a small picture of the same kind
        patch = rng.rayleigh(60, (side, round(1.3 * side), 3)).clip(0, 255).astype(np.uint8)
        pixels[last.y1 - side : last.y1, first.x0 : first.x0 + patch.shape[1]] = cv2.blur(patch, (3, 3))
        thumbnail[last.y1 - side : last.y1, first.x0 : first.x0 + patch.shape[1]] = True
    return thumbnail


def _identity(
    pixels: NDArray[np.uint8],
    sectors: list[Sector],
    areas: list[Box],
    thumbnail: Mask,
    rng: np.random.Generator,
) -> Mask:
    """Write names, ids and dates at the top and wherever the sectors leave room; returns the strokes."""
    height, width = pixels.shape[:2]
    tissue = np.any([sector.mask for sector in sectors], axis=0).astype(np.uint8)
    gap = int(rng.integers(1, 6))
    blocked = cv2.dilate(tissue, np.ones((2 * gap + 1, 2 * gap + 1), np.uint8)) > 0
    blocked |= thumbnail
    lens = np.any([sector.lens for sector in sectors], axis=0)
    strokes = np.zeros((height, width), bool)
    scale = height / 1200 * rng.uniform(0.8, 1.4)
    for index in range(8):
        text = IDENTITY[index % len(IDENTITY)]
        (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
        if index == 0:
            spots = [(width // 40, areas[0].y0 // 2 + high // 2)]
        elif index == 1 and lens.any():
            rows, columns = np.nonzero(lens)
            spots = [
                (int(np.median(columns)) - wide // 2, int(rows.min()) + high + k) for k in range(0, 20, 4)
            ]
        else:  # the corners of the areas' boxes first, where the sector leaves them
            area = areas[rng.integers(len(areas))]
            spots = [
                (
                    int(rng.integers(area.x0, max(area.x0 + 1, area.x1 - wide))),
                    int(rng.integers(area.y0, area.y1)),
                )
                for _ in range(25)
            ]
        for spot in spots:
            drawn = np.zeros((height, width), np.uint8)
            cv2.putText(drawn, text, spot, cv2.FONT_HERSHEY_SIMPLEX, scale, 1, 1 + (height > 700))
            if drawn.any() and not (blocked & (drawn > 0)).any():
                strokes |= drawn > 0
                break
    pixels[strokes] = (235, 235, 235)
    return strokes
