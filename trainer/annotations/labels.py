"""Labels that an examiner types: a side, an organ, a finding."""

import numpy as np

from trainer.annotations import bank
from trainer.annotations.layer import Layer
from trainer.annotations.lettering import write_line
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene


def draw_labels(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to three labels, most near the lesion."""
    for _ in range(1 + rng.choice(3, p=(0.7, 0.22, 0.08))):
        strokes = write_line(bank.draw_label(rng), look.face, max(6, look.letter_px * scene.unit))
        x, y = scene.near_lesion(rng, spread=0.8) if rng.random() < 0.7 else scene.anywhere(rng)
        left, top = round(x - strokes.shape[1] / 2), round(y - strokes.shape[0] / 2)
        layer.draw(strokes, look.ink, left, top)
        if rng.random() < 0.1:  # the cursor stays where typing ended
            bar = np.full((strokes.shape[0], scene.px(1)), 255, np.uint8)
            layer.draw(bar, look.ink, left + strokes.shape[1] + scene.px(3), top)
