"""Doppler's colours of flow: no annotation, though as colourful as one. Drawn onto both scans of a pair."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask
from trainer.annotations.scene import Scene, look_at_scan

# Colour Doppler, from fast away to fast towards the probe.
MAP = np.array(
    [(120, 255, 255), (0, 120, 255), (0, 0, 130), (0, 0, 0), (130, 0, 0), (255, 60, 0), (255, 255, 90)]
)
# Power Doppler, from weak to strong: it shows no direction.
_POWER = (
    np.array([(0, 0, 0), (120, 10, 0), (225, 70, 0), (255, 160, 0), (255, 240, 70)]),
    np.array([(0, 0, 0), (70, 0, 90), (170, 0, 150), (255, 90, 160), (255, 220, 200)]),
)
_LEAST = 0.18  # of the largest velocity: slower flow is filtered out and shows tissue
_TWIG_PX = 1.5  # thinner branches have no branches


def draw_flow(pixels: NDArray[np.uint8], sector: Mask, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one to six coloured vessels, or up to three trees of them, in colours of velocity or of power.

    Args:
        pixels: (H, W, 3) uint8, RGB.
        sector: (H, W) bool, tissue; no flow is drawn beyond it.

    Returns:
        (H, W, 3) uint8, a copy.
    """
    scene, flow = look_at_scan(None, sector, rng), np.zeros(pixels.shape[:2], np.float32)
    grown = rng.random() < 0.5
    for _ in range(rng.integers(1, 4 if grown else 7)):
        (_draw_tree if grown else _draw_vessel)(flow, scene, rng)
    grain = cv2.GaussianBlur(rng.normal(0, 1, flow.shape).astype(np.float32), (0, 0), 2 * scene.unit)
    flow = cv2.GaussianBlur(flow, (0, 0), (0.8 if grown else 2.5) * scene.unit) * (1 + 2 * grain)
    shown = (np.abs(flow) > _LEAST) & scene.sector
    if rng.random() < 0.5:
        colours = _POWER[rng.integers(len(_POWER))]
        at = np.abs(flow[shown]).clip(0, 1)
    else:
        colours, at = MAP, (flow[shown].clip(-1, 1) + 1) / 2
    drawn = pixels.copy()
    for plane in range(3):
        drawn[shown, plane] = np.interp(at * (len(colours) - 1), range(len(colours)), colours[:, plane])
    return np.asarray(drawn, np.uint8)


def _draw_vessel(flow: NDArray[np.float32], scene: Scene, rng: np.random.Generator) -> None:
    x, y = (round(v) for v in scene.anywhere(rng))
    axes = (scene.px(rng.uniform(3, 30), 2), scene.px(rng.uniform(2, 14), 2))
    cv2.ellipse(flow, (x, y), axes, rng.uniform(0, 180), 0, 360, _draw_speed(rng), -1)


def _draw_tree(flow: NDArray[np.float32], scene: Scene, rng: np.random.Generator) -> None:
    """Draw a vessel that branches, each branch thinner than its stem, as in a perfused node or kidney."""
    branches, speed = [(*scene.anywhere(rng), rng.uniform(0, 2 * np.pi), rng.uniform(3, 8))], _draw_speed(rng)
    while branches:
        x, y, direction, width = branches.pop()
        length = scene.px(rng.uniform(6, 22))
        end = (x + length * np.cos(direction), y + length * np.sin(direction))
        cv2.line(flow, (round(x), round(y)), (round(end[0]), round(end[1])), speed, scene.px(width))
        if width > _TWIG_PX:
            for turn in rng.uniform(-1, 1, rng.integers(1, 4)):
                branches.append((*end, direction + turn, width * rng.uniform(0.6, 0.85)))


def _draw_speed(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.4, 1.3) * rng.choice([-1, 1]))
