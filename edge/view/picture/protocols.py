"""Pictures made of pixels: what a terminal has to be sent for one, by protocol.

Each function paints at the cursor, over `columns` x `rows` characters, and may leave the cursor anywhere.
"""

import base64
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.view.picture.outlined import Pixels

_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]
_KITTY_CHUNK = 4096
_GREYS, _CUBE = 24, 4  # the sixel palette: greys, then a cube for what is coloured
_COLOURED = 24  # max - min of R, G, B from which a pixel is not grey
_BAND = 6  # rows in a row of sixels


def kitty(pixels: Pixels, columns: int, rows: int, number: int) -> str:
    """https://sw.kovidgoyal.net/kitty/graphics-protocol/: sent and shown as image `number`."""
    data = png(pixels)
    chunks = [data[at : at + _KITTY_CHUNK] for at in range(0, len(data), _KITTY_CHUNK)]
    keys = f"a=T,f=100,t=d,i={number},p=1,c={columns},r={rows},C=1,q=2,"
    return "".join(
        f"\x1b_G{keys if at == 0 else ''}m={int(at + 1 < len(chunks))};{chunk}\x1b\\"
        for at, chunk in enumerate(chunks)
    )


def kitty_erase(number: int) -> str:
    """The image is taken off the screen and out of the terminal's memory."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def iterm2(pixels: Pixels, columns: int, rows: int) -> str:
    """https://iterm2.com/documentation-images.html: a file, shown inline at a size in characters."""
    data = png(pixels)
    size = len(data) // 4 * 3 - data.count("=")
    keys = f"inline=1;size={size};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File={keys}:{data}\x07"


def sixel(pixels: Pixels) -> str:
    """https://vt100.net/docs/vt3xx-gp/chapter14.html: six rows at a time, one colour after the other."""
    height, width = pixels.shape[:2]
    index, palette = _palette(pixels)
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}'.encode()]
    parts += [b"#%d;2;%d;%d;%d" % (number, *colour) for number, colour in palette]
    for top in range(0, height, _BAND):
        band = index[top : top + _BAND]
        used = np.unique(band)
        weights = (1 << np.arange(len(band), dtype=np.uint8))[None, :, None]
        sixels = ((band[None] == used[:, None, None]) * weights).sum(axis=1, dtype=np.uint8) + np.uint8(63)
        lines = [b"#%d%s" % (n, row.tobytes().rstrip(b"?")) for n, row in zip(used, sixels, strict=True)]
        parts.append(b"$".join(lines) + b"-")
    return _shortened(b"".join(parts)).decode() + "\x1b\\"


def png(pixels: Pixels) -> str:
    """The picture as a PNG file in Base64."""
    file = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _PNG)[1]
    return base64.b64encode(file.tobytes()).decode()


def _palette(pixels: Pixels) -> tuple[NDArray[np.uint8], list[tuple[int, tuple[int, ...]]]]:
    """(H, W) number of each pixel's colour; and the colours used, R, G, B in percent."""
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    level = np.round(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) * np.float32((_GREYS - 1) / 255))
    red, green, blue = np.moveaxis(np.round(pixels * np.float32((_CUBE - 1) / 255)), 2, 0)
    cube = _GREYS + _CUBE * (_CUBE * red + green) + blue
    index = np.where(spread < _COLOURED, level, cube).astype(np.uint8)

    def percent(number: int) -> tuple[int, ...]:
        if number < _GREYS:
            return (round(100 * number / (_GREYS - 1)),) * 3
        steps = np.unravel_index(number - _GREYS, (_CUBE,) * 3)
        return tuple(round(100 * int(step) / (_CUBE - 1)) for step in steps)

    return index, [(number, percent(number)) for number in np.unique(index).tolist()]


def _shortened(sixels: bytes) -> bytes:
    """Four and more alike as a count."""
    return re.sub(rb"([?-~])\1{3,}", lambda run: b"!%d%s" % (len(run[0]), run[1]), sixels)
