"""The outline of the area in which Doppler measures, and the line of its gate; not the colours of flow."""

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.annotations.layer import Colour, Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Point, Scene

_COLOURS: tuple[Colour, ...] = (
    (130, 220, 90),
    (110, 200, 70),
    (255, 255, 255),
    (240, 240, 90),
    (0, 255, 255),
)


def draw_doppler_box(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw a sector of a ring or a parallelogram over part of the scan; full, dashed or dotted lines."""
    box = scene.box
    wide, high = box.x1 - box.x0, box.y1 - box.y0
    canvas = layer.blank()
    if rng.random() < 0.7:
        corners = _draw_ring(box.x0 + wide / 2, box.y0, high, rng)
    else:
        x, y = box.x0 + wide * rng.uniform(0, 0.45), box.y0 + high * rng.uniform(0, 0.45)
        across, down = wide * rng.uniform(0.25, 0.55), high * rng.uniform(0.25, 0.5)
        slant = down * rng.uniform(-0.35, 0.35) if rng.random() < 0.5 else 0
        corners = np.array([(x, y), (x + across, y), (x + across + slant, y + down), (x + slant, y + down)])
    dash, gap = (1, 0) if rng.random() < 0.5 else (int(rng.integers(1, 6)), int(rng.integers(1, 4)))
    width = scene.px(rng.uniform(0.8, 2))
    _draw_line(canvas, np.concatenate([corners, corners[:1]]), dash, gap, width)
    ink = look.in_colour(_COLOURS[rng.integers(len(_COLOURS))])
    layer.draw(np.asarray(cv2.copyTo(canvas, scene.sector.view(np.uint8)), np.uint8), ink)
    if rng.random() < 0.2:
        layer.draw(_draw_gate(layer.blank(), (box.x0 + wide / 2, box.y0), scene, rng), ink)


def _draw_gate(
    canvas: NDArray[np.uint8], probe: Point, scene: Scene, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Draw a dashed line from the probe past the lesion, and two short strokes across it there."""
    start, through = np.array(probe), np.array(scene.near_lesion(rng))
    way = through - start
    _draw_line(canvas, np.array([start, through + 0.6 * way]), 5, 4, scene.px(1))
    along = way / max(1.0, float(np.hypot(*way)))
    across = scene.px(5) * np.array([-along[1], along[0]])
    for centre in (through - scene.px(4) * along, through + scene.px(4) * along):
        _draw_line(canvas, np.array([centre - across, centre + across]), 1, 0, scene.px(1))
    return canvas


def _draw_ring(x: float, y: float, high: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the outline between two radii and two angles about a point above the sector."""
    up = high * rng.uniform(0.05, 0.5)
    near = up + high * rng.uniform(0, 0.35)
    far = near + high * rng.uniform(0.3, 0.6)
    middle, half = rng.uniform(-0.35, 0.35), rng.uniform(0.2, 0.6)
    angles = np.linspace(middle - half, middle + half, 40)
    arcs = [
        r * np.stack([np.sin(turn), np.cos(turn)], 1) for r, turn in ((near, angles), (far, angles[::-1]))
    ]
    return np.asarray(np.concatenate(arcs) + np.array([x, y - up]), np.float64)


def _draw_line(canvas: np.ndarray, points: np.ndarray, dash: int, gap: int, width: int) -> None:
    """Draw a line through points; broken into dashes of so many pixels where there is a gap between them."""
    if gap == 0:
        cv2.polylines(canvas, [points.round().astype(np.int32)], False, 255, width, cv2.LINE_AA)
        return
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    at = np.arange(0, along[-1])
    drawn = at[(at % (dash + gap)) < dash]
    xs, ys = (np.interp(drawn, along, points[:, axis]).round().astype(int) for axis in (0, 1))
    for side in range(width):
        inside = (ys >= 0) & (ys < canvas.shape[0]) & (xs + side >= 0) & (xs + side < canvas.shape[1])
        canvas[ys[inside], xs[inside] + side] = 255
