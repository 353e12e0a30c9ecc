"""Pointers left on a frozen screen: a hand that points, an open hand, an arrow. White with black lines."""

import cv2
import numpy as np

from scanside.image import Grey
from trainer.annotations.layer import BLACK, Ink, Layer
from trainer.annotations.look import Look
from trainer.annotations.scene import Scene

# '#' white, 'o' black; the real ones are about 15 x 20 px on a screen of usual size.
_POINTING = """
.....##.........
.....##.........
....####........
....####........
....####........
....####oo......
....####o##oo...
....####o##o##o.
....####o##o##o#
.##.####o##o##o#
.###############
..##############
..##############
...#############
...############.
....###########.
....##########..
.....#########..
.....#########..
......#######...
"""
_OPEN = """
......##........
.##..o##o.##....
.##o.o##o.##.##.
..##oo##o##o.##.
..##oo##o##o##o.
...##o#####o##o.
##..##########..
###.##########..
.#############..
..############..
...##########...
....#########...
.....#######....
.....#######....
"""
_ARROW = """
#o.........
##o........
###o.......
####o......
#####o.....
######o....
#######o...
########o..
#########o.
######ooo..
##o###o....
#o.o###o...
o..o###o...
....o##o...
.....oo....
"""
_SHAPES = tuple(picture.split() for picture in (_POINTING, _POINTING, _OPEN, _ARROW))
_WHITE = (255, 255, 255)


def draw_cursor(layer: Layer, scene: Scene, _: Look, rng: np.random.Generator) -> None:
    """Draw one pointer in or near the lesion or anywhere, or several around the lesion."""
    rows = _SHAPES[rng.integers(len(_SHAPES))]
    by = scene.unit * rng.uniform(0.75, 1.2) if rng.random() < 0.5 else max(1.0, round(scene.unit))
    blur = float(rng.uniform(0.35, 0.7)) if rng.random() < 0.35 else 0.0
    shade = "outline" if rng.random() < 0.4 else "none"
    hand, lines = Ink(_WHITE, shade=shade, blur_px=blur), Ink(BLACK, blur_px=blur)
    if rng.random() < 0.85:
        places = [scene.near_lesion(rng, 0.9) if rng.random() < 0.7 else scene.anywhere(rng)]
    else:
        ring = scene.edge[np.linspace(0, len(scene.edge) - 1, rng.integers(4, 14)).astype(int)]
        places = [(float(x), float(y)) for x, y in scene.centre + 1.1 * (ring - scene.centre)]
    for x, y in places:
        layer.draw(_strokes(rows, "#", by), hand, round(x), round(y))
        layer.draw(_strokes(rows, "o", by), lines, round(x), round(y))


def _strokes(rows: list[str], sign: str, by: float) -> Grey:
    dots = np.array([[255 * (dot == sign) for dot in row] for row in rows], np.uint8)
    return np.asarray(cv2.resize(dots, None, fx=by, fy=by, interpolation=cv2.INTER_NEAREST), np.uint8)
