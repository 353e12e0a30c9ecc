"""Distances: two marks, a dotted line between them, at times a number or the value beside one."""

from dataclasses import dataclass

import cv2
import numpy as np

from scanside.image import Grey
from trainer.annotations import bank
from trainer.annotations.layer import Ink, Layer
from trainer.annotations.lettering import write_line
from trainer.annotations.look import Look
from trainer.annotations.marks import SHAPES, draw_mark
from trainer.annotations.scene import Point, Scene

_WHITE = (235, 235, 225)


def draw_calipers(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to three distances, most across the lesion, the second at a right angle to the first."""
    shape = SHAPES[rng.choice(len(SHAPES), p=_list_shares())]
    arm = rng.uniform(4, 8.5)
    dots = _Dots.draw(look, rng)
    named = rng.random() < 0.45
    angle = rng.uniform(0, np.pi)
    for number in range(1 + rng.choice(3, p=(0.4, 0.5, 0.1))):
        if rng.random() < 0.85:
            ends = scene.across(angle + number * np.pi / 2 + rng.normal(0, 0.15))
        else:
            ends = scene.near_lesion(rng), scene.near_lesion(rng)
        if dots is not None:
            layer.draw(dots.between(layer.blank(), *ends, scene), dots.ink)
        for end in ends:
            layer.draw(draw_mark(layer.blank(), end, shape, scene, arm, look), look.ink)
        if named:
            text = str(number + 1) if rng.random() < 0.8 else bank.draw_value("calipers", rng)
            strokes = write_line(text, look.face, max(6, 0.8 * look.letter_px * scene.unit))
            x, y = ends[rng.integers(2)]
            away = 1.2 * arm * scene.unit
            x += away if rng.random() < 0.6 else -away - strokes.shape[1]
            y += away if rng.random() < 0.6 else -away - strokes.shape[0]
            layer.draw(strokes, look.ink, round(x), round(y))


def _list_shares() -> list[float]:
    """Gapped crosses are by far the most common."""
    first = 0.5
    return [first, *((1 - first) / (len(SHAPES) - 1) for _ in SHAPES[1:])]


@dataclass(frozen=True)
class _Dots:
    """The dotted line of one machine.

    Attributes:
        step, side: from dot to dot, and of a dot; px at unit size.
        full: a thin line in place of dots.
    """

    ink: Ink
    step: float
    side: float
    full: bool

    @classmethod
    def draw(cls, look: Look, rng: np.random.Generator) -> "_Dots | None":
        if rng.random() < 0.12:
            return None
        ink = look.ink if rng.random() < 0.6 else look.in_colour(_WHITE)
        return cls(ink, rng.uniform(3, 10), float(rng.choice([1.0, 1.0, 1.5, 2.2])), rng.random() < 0.06)

    def between(self, canvas: Grey, start: Point, end: Point, scene: Scene) -> Grey:
        """Draw strokes from one point to the other on `canvas`."""
        if self.full:
            ends = tuple((round(x), round(y)) for x, y in (start, end))
            return np.asarray(cv2.line(canvas, ends[0], ends[1], 255, 1, cv2.LINE_AA), np.uint8)
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        count = max(2, int(length / max(2.5, self.step * scene.unit)))
        side = scene.px(self.side)
        for x, y in np.linspace(start, end, count):
            left, top = round(x - side / 2), round(y - side / 2)
            canvas[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = 255
        return canvas
