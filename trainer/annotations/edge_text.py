"""Text that lies across the rim of the sector, where the thesis's denoiser leaves it (its figure A.1)."""

import cv2
import numpy as np

from trainer.annotations import bank
from trainer.annotations.layer import Layer
from trainer.annotations.lettering import write_line
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene


def draw_edge_text(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one or two labels, values or settings, each with part of it on tissue and part beyond."""
    contours, _ = cv2.findContours(scene.sector.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rim = max(contours, key=len)[:, 0]
    for _ in range(1 + int(rng.random() < 0.25)):
        text = (
            bank.draw_label(rng)
            if rng.random() < 0.6
            else bank.draw_value(("results", "settings")[rng.integers(2)], rng)
        )
        strokes = write_line(text, look.face, max(6, look.letter_px * scene.unit * rng.uniform(0.7, 1.1)))
        x, y = rim[rng.integers(len(rim))]
        height, width = strokes.shape
        layer.draw(
            strokes, look.ink, round(x - width * rng.uniform(0, 1)), round(y - height * rng.uniform(0, 1))
        )
