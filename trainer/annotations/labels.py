"""Labels that an examiner types: a side, an organ, a finding."""

import numpy as np

from trainer.annotations import bank
from trainer.annotations.layer import Layer
from trainer.annotations.lettering import write
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene


def draw_labels(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """One to three labels, most near the lesion."""
    for _ in range(1 + rng.choice(3, p=(0.7, 0.22, 0.08))):
        strokes = write(bank.label(rng), look.face, max(6, look.letter_px * scene.unit))
        x, y = scene.near_lesion(rng, spread=0.8) if rng.random() < 0.7 else scene.anywhere(rng)
        layer.draw(strokes, look.ink, round(x - strokes.shape[1] / 2), round(y - strokes.shape[0] / 2))
