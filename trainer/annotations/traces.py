"""Ellipses and outlines that an examiner lays around a lesion to measure it."""

import cv2
import numpy as np

from trainer.annotations.layer import Layer
from trainer.annotations.look import Look
from trainer.annotations.marks import SHAPES, draw_mark
from trainer.annotations.scene import Scene


def draw_trace(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """A dotted or full ellipse or outline around the lesion, with marks at its ends at times."""
    points = scene.edge
    if len(points) >= 5 and rng.random() < 0.7:
        (x, y), (long, short), turn = cv2.fitEllipse(points)
        # A lesion of a few pixels in a row has an ellipse without end.
        axes = tuple(round(min(max(axis / 2, 2), max(scene.sector.shape))) for axis in (long, short))
        centre = (round(float(np.clip(x, 0, 1e4))), round(float(np.clip(y, 0, 1e4))))
        points = np.asarray(cv2.ellipse2Poly(centre, axes, round(turn), 0, 360, 2), np.float32)
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
