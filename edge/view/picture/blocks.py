"""A picture made of characters: half blocks, two pixels a character; signs where there are no colours."""

import numpy as np
from numpy.typing import NDArray

from edge.view.picture.outlined import Outlined, Pixels

HALF = "▀"
_PLAIN = "\x1b[0m"
_RAMP = np.array(list(" ·:-=+*#%@"))  # dark to bright
_OUTLINE_SIGN, _REMOVED_SIGN = "o", "x"
_GREY_SPREAD = 12  # max - min of R, G, B up to which a pixel is shown as grey in 256 colours

Run = tuple[int, tuple[int, ...]]


def runs(pixels: Pixels) -> list[list[Run]]:
    """For each line of half blocks: how many alike, and their colours, R, G, B of the top, then the bottom.

    Args:
        pixels: (2 * lines, columns, 3) uint8 RGB.
    """
    pairs = np.concatenate([pixels[::2], pixels[1::2]], axis=2)
    return [_runs(line) for line in pairs]


def escapes(pixels: Pixels, truecolor: bool) -> list[str]:
    """Each line of half blocks as a terminal reads it (ECMA-48 8.3.117), in 256 colours or in all."""
    if truecolor:
        lines, colours = runs(pixels), "\x1b[38;2;{};{};{};48;2;{};{};{}m"
    else:
        index = _indexed(pixels)
        lines = [_runs(line) for line in np.stack([index[::2], index[1::2]], axis=2)]
        colours = "\x1b[38;5;{};48;5;{}m"
    return ["".join(colours.format(*cell) + HALF * count for count, cell in line) + _PLAIN for line in lines]


def signs(drawn: Outlined) -> list[str]:
    """Lines of characters for `drawn`, of which two pixels above each other make one."""
    height, width = drawn.outline.shape
    grey = drawn.plain.mean(axis=2).reshape(-1, 2, width).mean(axis=1)
    shades = _RAMP[(grey / 256 * len(_RAMP)).astype(int)]
    for line, sign in ((drawn.removed, _REMOVED_SIGN), (drawn.outline, _OUTLINE_SIGN)):
        shades[line.reshape(height // 2, 2, width).any(axis=1)] = sign
    return ["".join(line) for line in shades]


def _runs(cells: NDArray[np.integer]) -> list[Run]:
    """(columns, values): large dark areas cost little."""
    starts = np.flatnonzero(np.r_[True, (cells[1:] != cells[:-1]).any(axis=1)])
    counts = np.diff(np.r_[starts, len(cells)])
    return list(zip(counts.tolist(), map(tuple, cells[starts].tolist()), strict=True))


def _indexed(pixels: Pixels) -> NDArray[np.int64]:
    """(H, W) of the 256 colours: 24 greys from 232 on, a cube of 6 x 6 x 6 from 16 on."""
    wide = pixels.astype(np.int64)
    grey = wide.mean(axis=2)
    level = np.clip(np.round((grey - 8) / 10), 0, 23).astype(np.int64)
    red, green, blue = np.moveaxis(np.round(wide / 51).astype(np.int64), 2, 0)
    coloured = wide.max(axis=2) - wide.min(axis=2) > _GREY_SPREAD
    shown = np.where(coloured, 16 + 36 * red + 6 * green + blue, 232 + level)
    return np.where(~coloured & (grey < 4), 16, np.where(~coloured & (grey > 246), 231, shown))
