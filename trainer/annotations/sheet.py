"""A picture of pairs to look at: each scan as it is, with drawn annotations, and where they are."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from scanside.errors import InputError, NoTissue
from scanside.regular_file import read_regular
from scanside.scan.prepare import to_grey
from scanside.scan.sector.contour import find_sector
from trainer.annotations.annotate import annotate, recompress
from trainer.data.picture import decode_picture
from trainer.terminal.progress import track

_TILE = (420, 280)  # width and height, pixels
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_QUALITY = 90
_MARKED = (255, 0, 255)  # RGB


def find_images(folder: Path) -> list[Path]:
    """Find the image files of a folder, by name.

    Raises:
        InputError: there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder. Name one that holds scans as PNG or JPEG.")
    images = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    if not images:
        raise InputError(f"{folder} holds no PNG or JPEG. Name a folder of scans.")
    return images


def make_sheet(images: Sequence[Path], seed: int, preset: str) -> NDArray[np.uint8]:
    """Make a row for each scan: clean, annotated and stored as JPEG, and with the mask marked.

    Args:
        seed: with the scan's place in `images` it decides what is drawn.
        preset: of trainer.annotations.

    Returns:
        (rows * 280, 3 * 420, 3) uint8, RGB.

    Raises:
        InputError: a file can't be read, or is not an image.
    """
    rows = []
    for number, path in enumerate(track(images, "drawing")):
        bgr = decode_picture(_read_content(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise InputError(f"{path} is not an image that can be decoded. Take it out of the folder.")
        pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        try:
            sector = find_sector(to_grey(pixels))
        except NoTissue:
            sector = np.ones(pixels.shape[:2], bool)
        drawn = annotate(pixels, None, sector, np.random.default_rng((seed, number)), preset)
        marked = np.where(drawn.mask[..., None], np.array(_MARKED, np.uint8), drawn.pixels)
        rows.append(np.hstack([_draw_tile(p) for p in (pixels, recompress(drawn.pixels, _QUALITY), marked)]))
    return np.vstack(rows)


def _read_content(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}). Take it out of the folder.") from error


def _draw_tile(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink or enlarge a picture to fit, on black."""
    width, height = _TILE
    by = min(width / pixels.shape[1], height / pixels.shape[0])
    fitted = cv2.resize(
        pixels, None, fx=by, fy=by, interpolation=cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
    )
    tile = np.zeros((height, width, 3), np.uint8)
    fitted = fitted[:height, :width]
    tile[: fitted.shape[0], : fitted.shape[1]] = fitted
    return tile
