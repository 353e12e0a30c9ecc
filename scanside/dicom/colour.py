"""Whether a decoded frame shows the colours that it was stored in, or RGB taken for YCbCr, or the reverse.

What is black in RGB is (0, 128, 128) in YCbCr. Most of a screen is black, so the commonest colour of a frame
tells which of the two was read wrongly; header and codestream say it wrongly in real files.
"""

import numpy as np
from numpy.typing import NDArray

from scanside.dicom.undecodable import Miscoloured

_LOOKED_AT = 200  # rows and columns, evenly spaced
_BITS = 5  # of each colour that are compared
_STEP = 2 ** (8 - _BITS)
_MIDDLE = (128 // _STEP - 1, 128 // _STEP)  # 120 to 135: 128, and what a lossy codec makes of it
_DARK = 95 // _STEP  # above it (Y, 128, 128) nears (128, 128, 128), which is a grey
# What (v, v, v) with a small v becomes when it is read as YCbCr (PS3.3 C.7.6.3.1.2): R and B below 0, G 135.
_GREEN = (128 // _STEP, 128 // _STEP + 1)


def check_colours(shown: NDArray[np.uint8]) -> None:
    """Refuse a frame whose commonest colour is black as the wrong colour space shows it.

    Args:
        shown: (H, W, 3) uint8, what is to be shown as RGB.

    Raises:
        Miscoloured: it is near (0, 128, 128), YCbCr shown as RGB; or (0, 135, 0), RGB shown as YCbCr.
    """
    red, green, blue = commonest_colour(shown)
    if red <= _DARK and green in _MIDDLE and blue in _MIDDLE:
        raise Miscoloured("its pixels are YCbCr, though they are said to be RGB")
    if red == 0 and green in _GREEN and blue == 0:
        raise Miscoloured("its pixels are RGB, though they are said to be YCbCr")


def commonest_colour(shown: NDArray[np.uint8]) -> tuple[int, int, int]:
    """The commonest of the 32 x 32 x 32 colours that `shown` (H, W, 3) is sorted into."""
    rows, columns = (max(1, side // _LOOKED_AT) for side in shown.shape[:2])
    coarse = shown[::rows, ::columns].reshape(-1, 3).astype(np.int32) // _STEP
    numbers = (coarse[:, 0] << 2 * _BITS) + (coarse[:, 1] << _BITS) + coarse[:, 2]
    commonest = int(np.bincount(numbers).argmax())
    mask = (1 << _BITS) - 1
    return commonest >> 2 * _BITS, commonest >> _BITS & mask, commonest & mask
