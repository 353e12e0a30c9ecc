"""The golden case: fixed synthetic scans, and what the source checkpoint makes of them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Size
from scanside.phantom.frame import measure_ellipse
from scanside.phantom.sector import to_polar
from scanside.phantom.speckle import draw_speckle

Arrays = dict[str, NDArray[np.float32]]
_SCANS = 2
_SEED = 1


def golden_inputs(size: Size, clinical_inputs: int, scans: int = _SCANS) -> Arrays:
    """Speckle with dark ellipses, black corners: no patient's, yet of the texture that networks read.

    Returns:
        `scan` (scans, 1, H, W) float32 in [0, 1] and, where asked for, `clinical` (scans, n) of 0 and 1.
    """
    rng = np.random.default_rng(_SEED)
    inputs: Arrays = {"scan": np.stack([_draw_scan(size, rng) for _ in range(scans)])[:, None]}
    if clinical_inputs:
        inputs["clinical"] = rng.integers(0, 2, (scans, clinical_inputs)).astype(np.float32)
    return inputs


def annotated_inputs(size: Size) -> Arrays:
    """The same scans with strokes drawn over them, what a denoiser is made for: one white, one coloured.

    Returns:
        `scan` and `chroma`, (2, 1, H, W) float32 in [0, 1].
    """
    scan = golden_inputs(size, 0)["scan"]
    drawn = np.zeros(size, np.uint8)
    place = (size.width // 4, size.height // 2)
    cv2.putText(drawn, "LOV 1", place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    ink = drawn / np.float32(255)
    colour = np.stack([np.zeros_like(ink), 0.7 * ink])[:, None]
    return {"scan": np.maximum(scan, 0.9 * ink), "chroma": colour}


def _draw_scan(size: Size, rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = size
    envelope = draw_speckle(size, (2.5, 1.0), 40, rng)
    cy, cx = (rng.uniform(0.4, 0.6, 2) * size).tolist()
    ry, rx = (rng.uniform(0.12, 0.25, 2) * size).tolist()
    down, across = measure_ellipse(size, (cy, cx), (ry, rx))
    envelope[down**2 + across**2 < 1] *= 0.15
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius, _ = to_polar(x - width / 2, y + 0.2 * height)
    envelope[radius > 1.15 * height] = 0
    return np.asarray(np.clip(envelope / envelope.max(), 0, 1), np.float32)
