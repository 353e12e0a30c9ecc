"""Scales: depth ticks with and without numbers, bars of grey or of Doppler's colours."""

import cv2
import numpy as np

from trainer.annotations.flow import MAP
from trainer.annotations.layer import Ink, Layer
from trainer.annotations.lettering import write_line
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene

_TICKS = ((255, 255, 200), (235, 235, 235), (160, 160, 160), (255, 255, 0))


def draw_depth_ticks(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw a column of ticks at equal steps, every fifth longer or numbered, over a side of the sector."""
    box, canvas, numbers = scene.box, layer.blank(), []
    x = _choose_column(scene, rng)
    step, short, long = (
        scene.px(rng.uniform(8, 55), 4),
        scene.px(rng.uniform(1, 5)),
        scene.px(rng.uniform(5, 11)),
    )
    width, numbered = scene.px(rng.uniform(0.7, 2.6)), rng.random() < 0.4
    for number, y in enumerate(range(box.y0 + int(rng.integers(step)), box.y1, step)):
        length = long if number % 5 == 0 else short
        canvas[y : y + width, max(0, x) : max(0, x + length)] = 255
        if numbered and number % 5 == 0:
            numbers.append(
                (write_line(str(number // 5 * 5), look.face, max(6, 0.6 * look.letter_px * scene.unit)), y)
            )
    ink = look.in_colour(_TICKS[rng.integers(len(_TICKS))])
    layer.draw(canvas, ink)
    for strokes, y in numbers:
        layer.draw(strokes, ink, x + long + scene.px(2), y - strokes.shape[0] // 2)


def draw_scale_bar(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw a bar of grey or of colours, over a side of the sector."""
    box = scene.box
    width, height = scene.px(rng.uniform(6, 16), 3), scene.px(rng.uniform(60, 180), 20)
    x, y = _choose_column(scene, rng), box.y0 + int(rng.integers(max(1, (box.y1 - box.y0 - height) // 2)))
    if rng.random() < 0.5:
        shades = np.repeat(np.linspace(255, 0, height)[:, None], 3, axis=1)
    else:
        at = np.linspace(len(MAP) - 1, 0, height)
        shades = np.stack([np.interp(at, range(len(MAP)), MAP[:, plane]) for plane in range(3)], axis=1)
    for row, shade in enumerate(np.rint(shades).astype(int).tolist()):
        layer.draw(np.full((1, width), 255, np.uint8), Ink((shade[0], shade[1], shade[2])), x, y + row)
    if rng.random() < 0.4:
        frame = cv2.rectangle(np.zeros((height, width), np.uint8), (0, 0), (width - 1, height - 1), 255, 1)
        layer.draw(np.asarray(frame, np.uint8), look.in_colour(_TICKS[0]), x, y)


def _choose_column(scene: Scene, rng: np.random.Generator) -> int:
    """Choose a column near the left or right side of the sector, more or less over it."""
    box = scene.box
    inward = rng.uniform(-0.02, 0.16) * (box.x1 - box.x0)
    return round(box.x0 + inward if rng.random() < 0.5 else box.x1 - inward)
