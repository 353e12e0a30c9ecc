"""The one way of resizing for what a network reads and for what finds a scan: equal on every processor.

OpenCV's INTER_LINEAR and INTER_AREA give other grey values on aarch64 than on x86-64, by up to 3. Here its
INTER_LINEAR_EXACT enlarges and an average with whole-number weights shrinks: no float is rounded on the way.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.image import Grey, Mask, Size

_ALL = 254  # a mask's True as a grey value: even, so that half a pixel is a whole number


def resize(pixels: Grey, size: Size) -> Grey:
    """Average where both sides shrink, since sampling would alias the speckle; else interpolate.

    Args:
        pixels: (H, W) uint8.
        size: rows and columns wanted.

    Returns:
        (size.height, size.width) uint8; an average that lies between two greys is rounded to the even one.
    """
    if not _shrinks(pixels.shape, size):
        return _interpolated(pixels, size)
    return np.ascontiguousarray(np.rint(_sums(pixels, size) / pixels.size).astype(np.uint8))


def resize_mask(mask: Mask, size: Size, above: float = 0.5) -> Mask:
    """Resize as `resize` does; True where more than the share `above` of a pixel is covered.

    Args:
        mask: (H, W) bool.
        size: rows and columns wanted.
    """
    if not _shrinks(mask.shape, size):
        return np.asarray(_interpolated(mask.view(np.uint8) * np.uint8(_ALL), size) > above * _ALL, bool)
    return np.asarray(_sums(mask.view(np.uint8), size) > above * mask.size, bool)


def shrink(pixels: Grey, down: int, across: int) -> Grey:
    """Average blocks of `down` x `across` pixels; rows and columns that fill no block are left out.

    Args:
        pixels: (H, W) uint8.

    Returns:
        (H // down, W // across) uint8, halves rounded up.
    """
    height, width = pixels.shape[0] // down, pixels.shape[1] // across
    whole = pixels[: height * down, : width * across]
    if down == across == 1:
        return whole
    sums = np.zeros((height, width * across), np.uint16 if down * across <= 256 else np.uint32)
    for row in range(down):
        sums += whole[row::down]
    blocks = sums[:, ::across].copy()
    for column in range(1, across):
        blocks += sums[:, column::across]
    count = down * across
    blocks += blocks.dtype.type(count // 2)
    return np.asarray(blocks // blocks.dtype.type(count), np.uint8)


def _shrinks(shape: tuple[int, ...], size: Size) -> bool:
    return shape[0] > size.height and shape[1] > size.width


def _interpolated(pixels: Grey, size: Size) -> Grey:
    moved = cv2.resize(pixels, (size.width, size.height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(moved, np.uint8)


def _sums(pixels: Grey, size: Size) -> NDArray[np.signedinteger]:
    """(height, width): what each pixel of a smaller picture covers, in units of which all of it is H * W."""
    whole = np.int32 if 255 * pixels.size < 2**31 else np.int64
    rows = _summed(pixels.astype(whole), size.height)
    sums: NDArray[np.signedinteger] = _summed(np.ascontiguousarray(rows.T), size.width).T
    return sums


def _summed(values: NDArray[np.signedinteger], length: int) -> NDArray[np.signedinteger]:
    """(N, M) -> (length, M): sums of rows; a row's weight is `length` times the part of it that counts."""
    start = np.arange(length) * len(values)
    end, first = start + len(values), start // length
    sums = np.zeros((length, values.shape[1]), values.dtype)
    for row in range(int(((end - 1) // length - first).max()) + 1):
        covered = np.minimum(end, (first + row + 1) * length) - np.maximum(start, (first + row) * length)
        part = np.take(values, np.minimum(first + row, len(values) - 1), axis=0)
        part *= np.maximum(covered, 0).astype(values.dtype)[:, None]
        sums += part
    return sums
