"""Text as machines render it: outline fonts, stroke fonts and bitmaps, smooth or not.

Outline fonts come with Pillow (Aileron, CC0: near to Helvetica) and matplotlib (DejaVu), so that none has to
be installed or shipped. Stroke fonts are OpenCV's (Hershey).
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scanside.image import Grey
from trainer.annotations.bitmap_font import write_bitmap

AILERON, BITMAP = "Aileron", "bitmap"
DEJAVU = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold")
HERSHEY = {
    "Hershey simplex": cv2.FONT_HERSHEY_SIMPLEX,
    "Hershey duplex": cv2.FONT_HERSHEY_DUPLEX,
    "Hershey plain": cv2.FONT_HERSHEY_PLAIN,
}
_SHARES = {AILERON: 0.45, "DejaVuSans": 0.15, BITMAP: 0.1}  # the others share the rest


@dataclass(frozen=True)
class Face:
    """A font as one machine uses it.

    Attributes:
        name: AILERON, BITMAP, or one of DEJAVU or HERSHEY.
        smooth: anti-aliased.
        bold: strokes one pixel wider.
    """

    name: str
    smooth: bool
    bold: bool


def draw_face(rng: np.random.Generator) -> Face:
    names = (AILERON, BITMAP, *DEJAVU, *HERSHEY)
    rest = (1 - sum(_SHARES.values())) / (len(names) - len(_SHARES))
    name = names[rng.choice(len(names), p=[_SHARES.get(face, rest) for face in names])]
    return Face(name, smooth=bool(rng.random() < 0.6), bold=bool(rng.random() < 0.15))


def write_line(text: str, face: Face, height_px: float) -> Grey:
    """Write one line of text.

    Args:
        text: what `face` has no letter for is written in DejaVuSans, as a whole.
        face: the font.
        height_px: of a capital.

    Returns:
        (h, w) uint8 strokes, 255 where they are full; the text with little or no margin.
    """
    name = face.name if text.isascii() or face.name in DEJAVU else DEJAVU[0]
    if name == BITMAP:
        strokes = write_bitmap(text, max(1, round(height_px / 7)))
    elif name in HERSHEY:
        strokes = _write_strokes(text, HERSHEY[name], height_px, face.smooth)
    else:
        strokes = _write_outlines(text, name, height_px, face.smooth)
    return np.asarray(cv2.dilate(strokes, np.ones((1, 2), np.uint8)), np.uint8) if face.bold else strokes


def _write_strokes(text: str, font: int, height_px: float, smooth: bool) -> Grey:
    (_, tall), _ = cv2.getTextSize("H", font, 1, 1)
    size, width = height_px / tall, max(1, round(height_px / 11))
    (columns, rows), below = cv2.getTextSize(text, font, size, width)
    canvas = np.zeros((rows + 2 * below + 4, columns + 4), np.uint8)
    kind = cv2.LINE_AA if smooth else cv2.LINE_8
    cv2.putText(canvas, text, (2, rows + 2), font, size, 255, width, kind)
    return canvas


def _write_outlines(text: str, name: str, height_px: float, smooth: bool) -> Grey:
    # A capital is about .72 of a font's size.
    font = _load_font(name, max(5, round(height_px / 0.72)))
    left, top, right, bottom = (int(side) for side in font.getbbox(text))
    picture = Image.new("L" if smooth else "1", (right - left + 2, bottom - top + 2), 0)
    ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(picture.convert("L"), np.uint8)


@cache
def _load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    if name != AILERON:
        return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf")), size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow without FreeType would give a bitmap
    return font
