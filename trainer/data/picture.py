"""The bytes of an image file from outside -> pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray


def decode_picture(content: bytes, flags: int) -> NDArray[np.uint8] | None:
    """(H, W) or, in OpenCV's order blue, green, red, (H, W, 3) uint8; None where they are no image.

    Args:
        flags: OpenCV's, as cv2.IMREAD_GRAYSCALE.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # no bytes at all, or a header that claims more pixels than OpenCV allows
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)
