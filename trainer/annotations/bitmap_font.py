"""A bitmap face of 5 x 7 dots, as the character generators of older machines have."""

import cv2
import numpy as np

from scanside.image import Grey

_ROWS, _COLUMNS = 7, 5
# Seven rows of a letter from top to bottom; in a row the highest of five bits is the left dot.
_LETTERS = {
    "A": "04 0a 11 11 1f 11 11", "B": "1e 11 11 1e 11 11 1e", "C": "0e 11 10 10 10 11 0e",
    "D": "1c 12 11 11 11 12 1c", "E": "1f 10 10 1e 10 10 1f", "F": "1f 10 10 1e 10 10 10",
    "G": "0e 11 10 17 11 11 0f", "H": "11 11 11 1f 11 11 11", "I": "0e 04 04 04 04 04 0e",
    "J": "07 02 02 02 02 12 0c", "K": "11 12 14 18 14 12 11", "L": "10 10 10 10 10 10 1f",
    "M": "11 1b 15 15 11 11 11", "N": "11 19 15 13 11 11 11", "O": "0e 11 11 11 11 11 0e",
    "P": "1e 11 11 1e 10 10 10", "Q": "0e 11 11 11 15 12 0d", "R": "1e 11 11 1e 14 12 11",
    "S": "0f 10 10 0e 01 01 1e", "T": "1f 04 04 04 04 04 04", "U": "11 11 11 11 11 11 0e",
    "V": "11 11 11 11 0a 0a 04", "W": "11 11 11 15 15 15 0a", "X": "11 11 0a 04 0a 11 11",
    "Y": "11 11 0a 04 04 04 04", "Z": "1f 01 02 04 08 10 1f",
    "a": "00 00 0e 01 0f 11 0f", "b": "10 10 1e 11 11 11 1e", "c": "00 00 0e 10 10 11 0e",
    "d": "01 01 0f 11 11 11 0f", "e": "00 00 0e 11 1f 10 0e", "f": "06 08 1c 08 08 08 08",
    "g": "00 0f 11 11 0f 01 0e", "h": "10 10 1e 11 11 11 11", "i": "04 00 0c 04 04 04 0e",
    "j": "02 00 06 02 02 12 0c", "k": "10 10 12 14 18 14 12", "l": "0c 04 04 04 04 04 0e",
    "m": "00 00 1a 15 15 15 15", "n": "00 00 1e 11 11 11 11", "o": "00 00 0e 11 11 11 0e",
    "p": "00 00 1e 11 1e 10 10", "q": "00 00 0f 11 0f 01 01", "r": "00 00 16 19 10 10 10",
    "s": "00 00 0f 10 0e 01 1e", "t": "08 08 1c 08 08 09 06", "u": "00 00 11 11 11 11 0f",
    "v": "00 00 11 11 11 0a 04", "w": "00 00 11 11 15 15 0a", "x": "00 00 11 0a 04 0a 11",
    "y": "00 00 11 11 0f 01 0e", "z": "00 00 1f 02 04 08 1f",
    "0": "0e 11 13 15 19 11 0e", "1": "04 0c 04 04 04 04 0e", "2": "0e 11 01 06 08 10 1f",
    "3": "1e 01 01 0e 01 01 1e", "4": "02 06 0a 12 1f 02 02", "5": "1f 10 1e 01 01 11 0e",
    "6": "06 08 10 1e 11 11 0e", "7": "1f 01 02 04 08 08 08", "8": "0e 11 11 0e 11 11 0e",
    "9": "0e 11 11 0f 01 02 0c",
    ".": "00 00 00 00 00 0c 0c", ",": "00 00 00 00 0c 04 08", "-": "00 00 00 1f 00 00 00",
    "+": "00 04 04 1f 04 04 00", "/": "01 01 02 04 08 10 10", ":": "00 0c 0c 00 0c 0c 00",
    "?": "0e 11 01 02 04 00 04", "%": "19 19 02 04 08 13 13",
}  # fmt: skip


def write_bitmap(text: str, dot_px: int) -> Grey:
    """One line of text; a character without a letter here stays blank.

    Args:
        dot_px: side of a dot.

    Returns:
        (7 dot_px, w) uint8, 0 or 255.
    """
    columns = (_COLUMNS + 1) * dot_px
    line = np.zeros((_ROWS * dot_px, max(1, len(text)) * columns), np.uint8)
    for at, letter in enumerate(text):
        if letter in _LETTERS:
            bits = np.array(
                [[int(row, 16) >> (4 - x) & 1 for x in range(5)] for row in _LETTERS[letter].split()]
            )
            size = (_COLUMNS * dot_px, _ROWS * dot_px)
            large = cv2.resize(bits.astype(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_NEAREST)
            line[:, at * columns : at * columns + size[0]] = large
    return line
