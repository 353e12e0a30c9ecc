"""The marks that end a distance or name a point: crosses with and without a gap, x, circles, bars, boxes."""

import cv2
import numpy as np

from scanside.image import Grey
from trainer.annotations.layer import Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Point, Scene

SHAPES = ("gapped cross", "cross", "x", "circle", "diamond", "bar", "square", "asterisk")
_TURNS = {"cross": (0, 2), "x": (1, 3), "asterisk": (0, 1, 2, 3), "bar": (2,)}  # strokes, in 45 degrees
_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
_DIAMOND = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]])


def draw_mark(canvas: Grey, at: Point, shape: str, scene: Scene, arm: float, look: Look) -> Grey:
    """Draw the strokes of one mark.

    Args:
        canvas: (H, W) uint8, drawn on.
        at: its centre.
        shape: one of SHAPES.
        arm: from centre to end, px at unit size.
    """
    x, y = round(at[0]), round(at[1])
    reach, width = scene.px(arm, 3), scene.px(look.stroke_px)
    if shape == "gapped cross":
        gap, dot = max(1, round(reach / 3)), (1 if width == 1 else 2)
        for turn in range(4):
            away = np.array([np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)]).round().astype(int)
            start, end = np.array([x, y]) + gap * away, np.array([x, y]) + reach * away
            cv2.line(canvas, start.tolist(), end.tolist(), 255, width)
        if reach > 5:
            cv2.rectangle(canvas, (x, y), (x + dot - 1, y + dot - 1), 255, -1)
    elif shape in _TURNS:
        for turn in _TURNS[shape]:
            along = reach * np.array([np.cos(turn * np.pi / 4), np.sin(turn * np.pi / 4)])
            start, end = (np.array([x, y]) + sign * along.round().astype(int) for sign in (-1, 1))
            cv2.line(canvas, start.tolist(), end.tolist(), 255, width)
    elif shape == "circle":
        cv2.circle(canvas, (x, y), max(2, round(0.7 * reach)), 255, width, cv2.LINE_AA)
    else:
        side = max(2, round(0.7 * reach))
        corners = _SQUARE if shape == "square" else _DIAMOND
        cv2.polylines(canvas, [(np.array([x, y]) + side * corners).astype(np.int32)], True, 255, width)
    return canvas


def draw_crosses(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to four single marks, each of which names a point."""
    shape, arm = SHAPES[rng.integers(len(SHAPES))], rng.uniform(3, 9)
    for _ in range(rng.integers(1, 5)):
        at = scene.near_lesion(rng) if rng.random() < 0.6 else scene.anywhere(rng)
        layer.draw(draw_mark(layer.blank(), at, shape, scene, arm, look), look.ink)
