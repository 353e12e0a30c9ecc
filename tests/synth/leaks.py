"""What of a patient is found again: in the bytes of a file, and by reading its pixels (OCR)."""

import re
import subprocess
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

TESSERACT = "tesseract"
MIN_BYTES = 5  # fewer are found in any picture by chance
_ENCODINGS = ("utf-8", "latin-1", "iso8859_5", "utf-16-le", "utf-16-be", "iso2022_jp", "shift_jis", "euc_jp")
_READ = 4  # so many letters or digits in a row give a word away


def leaked_bytes(content: bytes, secrets: Iterable[str], dates: Iterable[str] = ()) -> list[str]:
    """Those of `secrets` and `dates` (YYYYMMDD) that stand in `content` in any usual encoding."""
    lower = content.lower()
    texts = [*secrets, *(form for date in dates for form in _date_forms(date))]
    return [text for text in texts if any(variant in lower for variant in _variants(text))]


def leaked_words(pixels: NDArray[np.uint8], words: Iterable[str]) -> list[str]:
    """Those of `words` of which tesseract reads at least four characters in a row.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        words: capital letters and digits.
    """
    read = re.sub(r"[^A-Z0-9]", "", ocr(pixels).upper())
    return [word for word in words if any(word[i : i + _READ] in read for i in range(len(word) - _READ + 1))]


def ocr(pixels: NDArray[np.uint8]) -> str:
    """All text that tesseract finds, whereever it stands; twice the size and black on white suit it best."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    larger = 255 - cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    picture = cv2.imencode(".png", larger)[1].tobytes()
    done = subprocess.run(
        [TESSERACT, "stdin", "stdout", "--psm", "11"],
        input=picture,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return done.stdout.decode()


def _date_forms(date: str) -> list[str]:
    year, month, day = date[:4], date[4:6], date[6:]
    orders = ((year, month, day), (day, month, year), (month, day, year))
    return [sign.join(order) for order in orders for sign in ("", "-", ".", "/")]


def _variants(text: str) -> set[bytes]:
    variants = set()
    for form in {text, text.lower(), text.upper()}:
        for encoding in _ENCODINGS:
            try:
                encoded = form.encode(encoding)
            except UnicodeEncodeError:
                continue
            variants |= {encoded.lower(), encoded.hex().encode()}
    return {variant for variant in variants if len(variant) >= MIN_BYTES}
