"""Boxes with measured values or settings, line by line, with and without a background and a frame."""

import numpy as np

from scanside.image import Grey
from trainer.annotations import bank
from trainer.annotations.corners import place_in_corner
from trainer.annotations.layer import Colour, Ink, Layer
from trainer.annotations.lettering import write_line
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene

_GROUNDS: tuple[Colour, ...] = (
    (0, 0, 0),
    (64, 64, 64),
    (45, 45, 55),
    (30, 35, 70),
    (90, 90, 90),
    (20, 50, 50),
)
_SETTINGS: tuple[Colour, ...] = ((170, 170, 175), (110, 110, 230), (220, 220, 220))


def draw_result_box(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one to four measured values in a corner of the sector."""
    lines = [bank.draw_value("results", rng) for _ in range(rng.integers(1, 5))]
    block, rules = _draw_block(
        lines, look, scene, right=False, ruled=rng.random() < 0.5, framed=rng.random() < 0.25
    )
    x, y = place_in_corner(scene, block.shape[1], block.shape[0], rng)
    if rng.random() < 0.75:
        ground = Ink(_GROUNDS[rng.integers(len(_GROUNDS))], opacity=float(rng.uniform(0.5, 1)))
        layer.draw(np.full_like(block, 255), ground, x, y)
    layer.draw(rules, look.ink, x, y)
    layer.draw(block, look.ink, x, y)


def draw_settings(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw two to eight settings of the machine, one under the other, where image and sector meet."""
    lines = [bank.draw_value("settings", rng) for _ in range(rng.integers(2, 9))]
    block, _ = _draw_block(lines, look, scene, right=rng.random() < 0.6, ruled=False)
    ink = look.ink if rng.random() < 0.3 else look.in_colour(_SETTINGS[rng.integers(len(_SETTINGS))])
    layer.draw(block, ink, *place_in_corner(scene, block.shape[1], block.shape[0], rng))


def _draw_block(
    lines: list[str], look: Look, scene: Scene, right: bool, ruled: bool, framed: bool = False
) -> tuple[Grey, Grey]:
    """Draw the (h, w) strokes of the lines, and of a frame with a rule under each."""
    height = max(6.0, 0.75 * look.letter_px * scene.unit)
    written = [write_line(line, look.face, height) for line in lines]
    margin, step = scene.px(3), round(1.5 * height) + scene.px(2)
    width = max(line.shape[1] for line in written) + 2 * margin
    block = np.zeros((step * len(written) + 2 * margin, width), np.uint8)
    rules = np.zeros_like(block)
    for number, line in enumerate(written):
        bottom = margin + step * (number + 1) - scene.px(3)
        top, x = max(0, bottom - line.shape[0]), width - margin - line.shape[1] if right else margin
        part = line[: bottom - top]
        block[top : top + part.shape[0], x : x + part.shape[1]] = part
        if ruled:
            rules[bottom + scene.px(1) : bottom + scene.px(1) + scene.px(1.2), :] = 255
    if framed:
        rules[[0, -1], :], rules[:, [0, -1]] = 255, 255
    return block, rules
