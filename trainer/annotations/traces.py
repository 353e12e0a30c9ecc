"""Ellipses and outlines that an examiner lays around a lesion to measure it."""

import cv2
import numpy as np

from trainer.annotations.layer import Layer
from trainer.annotations.look import Look
from trainer.annotations.marks import SHAPES, draw_mark
from trainer.annotations.scene import Scene


def draw_trace(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw a dotted or full ellipse or outline around the lesion, with marks at its ends at times."""
    points = scene.edge
    if rng.random() < 0.7:
        (x, y), sides, turn = cv2.minAreaRect(points)
        axes = (max(2, round(sides[0] / 2)), max(2, round(sides[1] / 2)))
        outline = cv2.ellipse2Poly((round(x), round(y)), axes, round(turn), 0, 360, 2)
        points = np.asarray(outline, np.float32)
    canvas = layer.blank()
    if rng.random() < 0.3:
        kind = cv2.LINE_AA if look.face.smooth else cv2.LINE_8
        cv2.polylines(
            canvas, [points.round().astype(np.int32)], True, 255, scene.px(rng.uniform(0.7, 1.6)), kind
        )
    else:
        closed = np.concatenate([points, points[:1]])
        along = np.concatenate([[0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
        at = np.arange(0, along[-1], max(3.0, rng.uniform(3, 7) * scene.unit))
        side = scene.px(rng.uniform(0.8, 2))
        for x, y in zip(
            *(np.interp(at, along, closed[:, axis]).round().astype(int) for axis in (0, 1)), strict=True
        ):
            canvas[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)] = 255
    layer.draw(canvas, look.ink)
    if rng.random() < 0.6:
        shape, arm, angle = SHAPES[rng.integers(len(SHAPES))], rng.uniform(4, 8), rng.uniform(0, np.pi)
        for end in scene.across(angle):
            layer.draw(draw_mark(layer.blank(), end, shape, scene, arm, look), look.ink)
