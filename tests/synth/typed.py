"""Words typed on a scan, as an examiner does it: what they cover is known to the pixel."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Mask, Size
from tests.synth.scans import Probe, SynthFrame, make_frame

INKS = {"white": (255, 255, 255), "grey": (170, 170, 170), "yellow": (240, 220, 40), "cyan": (40, 220, 230)}
NAME = "BEISPIEL VERA 1970"


def make_plain_scan(seed: int = 11) -> SynthFrame:
    """A scan in which nothing looks like a letter: as dark and as smooth as real ones are."""
    frame = make_frame(seed, Size(600, 800), probe=Probe.CURVED, annotated=False)
    soft = np.rint(0.7 * cv2.GaussianBlur(frame.pixels, (0, 0), 1.2)).astype(np.uint8)
    soft[~frame.sector] = 0
    return replace(frame, pixels=soft)


def type_on(
    pixels: NDArray[np.uint8],
    text: str = NAME,
    at: tuple[int, int] = (300, 300),
    *,
    ink: str = "white",
    scale: float = 0.6,
    font: int = cv2.FONT_HERSHEY_SIMPLEX,
    upwards: bool = False,
) -> tuple[NDArray[np.uint8], Mask]:
    """Type `text` into a copy of `pixels`.

    Args:
        pixels: (H, W, 3) uint8.
        at: x and y of the first letter's lower left corner.
        ink: of `INKS`.
        upwards: from bottom to top.

    Returns:
        The pixels, and (H, W) bool: where ink covers more than half of a pixel.
    """
    layer = np.zeros(pixels.shape[:2][:: -1 if upwards else 1], np.uint8)
    height = pixels.shape[0]
    x, y = (height - at[1], at[0]) if upwards else at
    cv2.putText(layer, text, (x, y), font, scale, 255, 1, cv2.LINE_AA)
    if upwards:
        layer = np.ascontiguousarray(np.rot90(layer))
    share = layer[..., None] / 255
    typed = np.rint(pixels * (1 - share) + np.array(INKS[ink]) * share).astype(np.uint8)
    return typed, layer > 127
