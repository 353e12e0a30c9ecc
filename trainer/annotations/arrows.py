"""Arrows that point at a finding: filled ones, open ones, and bare heads."""

import cv2
import numpy as np

from trainer.annotations.layer import Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene


def draw_arrows(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to three arrows of one shape; most tips lie in or near the lesion."""
    length, width = rng.uniform(12, 60), rng.uniform(1, 4)
    head, open_angle = rng.uniform(5, 14), rng.uniform(0.35, 0.7)
    filled, with_shaft = rng.random() < 0.5, rng.random() < 0.8
    for _ in range(1 + rng.choice(3, p=(0.65, 0.25, 0.1))):
        tip = np.array(scene.near_lesion(rng) if rng.random() < 0.8 else scene.anywhere(rng))
        angle = rng.uniform(0, 2 * np.pi)
        away = np.array([np.cos(angle), np.sin(angle)])
        canvas = layer.blank()
        wings = [_rotate(away, turn) * scene.px(head, 4) + tip for turn in (open_angle, -open_angle)]
        corners = np.array([wings[0], tip, wings[1]]).round().astype(np.int32)
        if filled:
            cv2.fillPoly(canvas, [corners], 255, cv2.LINE_AA)
        else:
            cv2.polylines(canvas, [corners], False, 255, scene.px(min(width, 2)), cv2.LINE_AA)
        if with_shaft:
            start, end = (tip + away * scene.px(far) for far in (0.5 * head if filled else 0, length))
            points = [tuple(int(v) for v in point.round()) for point in (start, end)]
            cv2.line(canvas, points[0], points[1], 255, scene.px(width), cv2.LINE_AA)
        layer.draw(canvas, look.ink)


def _rotate(way: np.ndarray, by: float) -> np.ndarray:
    cos, sin = np.cos(by), np.sin(by)
    return np.asarray(np.array([[cos, -sin], [sin, cos]]) @ way)
