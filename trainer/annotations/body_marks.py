"""Body marks: a small drawing of the body or the pelvis, with a bar where the probe lies."""

import cv2
import numpy as np

from scanside.image import Grey
from trainer.annotations.corners import place_in_corner
from trainer.annotations.layer import BLACK, Ink, Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene

_PROBES = ((90, 240, 60), (255, 180, 40), (255, 80, 80), (255, 255, 255))


def draw_body_mark(layer: Layer, scene: Scene, look: Look, rng: np.random.Generator) -> None:
    """Draw one mark, in a corner of the sector or in it, on black at times."""
    side = scene.px(rng.uniform(36, 64), 20)
    mark = (_trunk, _pelvis)[rng.integers(2)](side, look.face.smooth)
    x, y = place_in_corner(scene, mark.shape[1], mark.shape[0], rng)
    if rng.random() < 0.4:
        layer.draw(np.full_like(mark, 255), Ink(BLACK, opacity=float(rng.uniform(0.6, 1))), x, y)
    layer.draw(mark, look.ink if rng.random() < 0.6 else look.in_colour((190, 200, 190)), x, y)
    probe = np.zeros_like(mark)
    centre, reach = rng.uniform(0.3, 0.7, 2) * side, side * rng.uniform(0.12, 0.2)
    turn = rng.uniform(0, np.pi)
    along = reach * np.array([np.cos(turn), np.sin(turn)])
    ends = [tuple(int(v) for v in (centre + sign * along).round()) for sign in (-1, 1)]
    cv2.line(probe, ends[0], ends[1], 255, max(2, side // 16))
    cv2.circle(probe, ends[1], max(2, side // 14), 255, -1)
    layer.draw(probe, look.in_colour(_PROBES[rng.integers(len(_PROBES))]), x, y)


def _trunk(side: int, smooth: bool) -> Grey:
    """A trunk from the front: shoulders, waist, thighs, navel."""
    half = np.array([(0.14, 0.02), (0.16, 0.1), (0.34, 0.16), (0.38, 0.5), (0.3, 0.55), (0.28, 0.3),
                     (0.24, 0.5), (0.28, 0.75), (0.26, 0.97), (0.04, 0.97), (0.02, 0.78)])  # fmt: skip
    mirrored = half[::-1] * (-1, 1)
    points = np.concatenate([half, mirrored]) + np.array([0.5, 0])
    return _lines(side, smooth, [points], [((0.5, 0.52), (0.015, 0.015))])


def _pelvis(side: int, smooth: bool) -> Grey:
    """Uterus, tubes and ovaries."""
    uterus = np.array([(0.42, 0.95), (0.42, 0.65), (0.34, 0.35), (0.5, 0.25), (0.66, 0.35), (0.58, 0.65),
                       (0.58, 0.95)])  # fmt: skip
    tubes = [
        np.array([(0.5 + s * 0.15, 0.34), (0.5 + s * 0.3, 0.25), (0.5 + s * 0.42, 0.35)]) for s in (-1, 1)
    ]
    ovaries = [((0.5 + s * 0.36, 0.52), (0.1, 0.07)) for s in (-1, 1)]
    return _lines(side, smooth, [uterus, *tubes], ovaries)


def _lines(
    side: int,
    smooth: bool,
    lines: list[np.ndarray],
    ovals: list[tuple[tuple[float, float], tuple[float, float]]],
) -> Grey:
    """Open lines and ovals in units of the side."""
    canvas = np.zeros((side, side), np.uint8)
    kind, width = cv2.LINE_AA if smooth else cv2.LINE_8, max(1, round(side / 45))
    for line in lines:
        cv2.polylines(canvas, [(line * side).round().astype(np.int32)], False, 255, width, kind)
    for (x, y), (across, down) in ovals:
        centre, axes = (
            (round(x * side), round(y * side)),
            (max(1, round(across * side)), max(1, round(down * side))),
        )
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, 255, width, kind)
    return canvas
