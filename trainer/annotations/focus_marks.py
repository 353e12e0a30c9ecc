"""Marks beside the depth scale that say where the beam is focused: triangles and hourglasses."""

import cv2
import numpy as np

from trainer.annotations.layer import Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene

_SHAPES = {
    "left": ((1, -1), (-1, 0), (1, 1)),
    "right": ((-1, -1), (1, 0), (-1, 1)),
    "hourglass": ((-1, -1), (1, -1), (-1, 1), (1, 1)),
}


def draw_focus_marks(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to three marks of one shape in a column over a side of the sector."""
    box = scene.box
    corners = np.array(list(_SHAPES.values())[rng.integers(len(_SHAPES))])
    reach, filled = scene.px(rng.uniform(2, 6), 2), rng.random() < 0.7
    inward = rng.uniform(0, 0.14) * (box.x1 - box.x0)
    x = box.x0 + inward if rng.random() < 0.5 else box.x1 - inward
    ink = look.ink if rng.random() < 0.4 else look.in_colour((235, 235, 235))
    for _ in range(1 + rng.choice(3, p=(0.7, 0.2, 0.1))):
        points = (corners * reach + (x, rng.uniform(box.y0, box.y1))).round().astype(np.int32)
        canvas = layer.blank()
        if filled:
            cv2.fillPoly(canvas, [points], 255)
        else:
            cv2.polylines(canvas, [points], True, 255, 1)
        layer.draw(canvas, ink)
