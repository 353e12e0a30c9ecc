"""Where machines put boxes and marks: in the corners of the image, over the rim of the sector."""

import numpy as np

from trainer.annotations.scene import Scene


def place_in_corner(scene: Scene, width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
    """Choose the top left pixel for something of this size in a corner of the sector's box, over tissue.

    It is moved towards the middle until it covers tissue, and a little on at random.
    """
    box = scene.box
    left, upper = rng.random() < 0.5, rng.random() < 0.35
    x = float(box.x0 if left else box.x1 - width)
    y = float(box.y0 if upper else box.y1 - height)
    middle = np.array([(box.x0 + box.x1 - width) / 2, (box.y0 + box.y1 - height) / 2])
    corner, further = np.array([x, y]), rng.uniform(0, 0.2)
    for share in np.linspace(0, 1, 21):
        x, y = corner + min(1.0, share + further) * (middle - corner)
        top, start = max(0, round(y)), max(0, round(x))
        under = scene.sector[top : round(y) + height, start : round(x) + width]
        if np.count_nonzero(under) > 0.15 * width * height:
            break
    return round(x), round(y)
