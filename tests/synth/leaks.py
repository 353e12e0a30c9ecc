"""What of a patient is found again: in the bytes of a file, and by reading its pixels (OCR)."""

import re
import subprocess
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from tests.outside import require_tool

MIN_BYTES = 5  # fewer are found in any picture by chance
_ENCODINGS = ("utf-8", "latin-1", "iso8859_5", "utf-16-le", "utf-16-be", "iso2022_jp", "shift_jis", "euc_jp")
_READ = 4  # so many letters or digits in a row give a word away


def leaked_bytes(content: bytes, secrets: Iterable[str], dates: Iterable[str] = ()) -> list[str]:
    """Those of `secrets` and `dates` (YYYYMMDD) that stand in `content` in any usual encoding."""
    lower = content.lower()
    texts = [*secrets, *(form for date in dates for form in _date_forms(date))]
    return [text for text in texts if any(variant in lower for variant in _variants(text))]


def identity_of(instance: FileDataset) -> tuple[set[str], set[str]]:
    """Every text, UID, date and private value of an instance that may not be found again.

    Returns:
        Texts, of those that are long enough to be looked for, and dates as YYYYMMDD.
    """
    texts, dates = set(), set()
    for element in [*instance.file_meta, *instance.iterall()]:
        values = element.value if isinstance(element.value, (MultiValue, list)) else [element.value]
        for value in values if element.VR != "SQ" else []:
            if element.VR in ("DA", "DT"):
                dates |= {str(value)[:8]} if re.match(r"\d{8}", str(value)) else set()
            elif element.VR == "PN":
                texts |= set(re.split(r"[\^=]", str(value)))
            elif element.VR == "UI" or element.keyword in ("Manufacturer", "ManufacturerModelName"):
                texts |= {str(value)} if isinstance(value, UID) and value.name == value else set()
            elif element.VR in ("LO", "SH", "LT", "ST", "UT", "AE"):
                texts |= {str(value)}
            elif element.tag.is_private and isinstance(value, (bytes, str)):
                texts |= {value.decode("latin-1") if isinstance(value, bytes) else value}
    # A run of one byte, or a number, stands in any picture.
    return {text for text in texts if len(text) >= MIN_BYTES and len(set(text)) >= MIN_BYTES}, dates


def leaked_words(pixels: NDArray[np.uint8], words: Iterable[str]) -> list[str]:
    """Those of `words` of which tesseract reads at least four characters in a row.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        words: capital letters and digits.
    """
    read = re.sub(r"[^A-Z0-9]", "", ocr(pixels).upper())
    return [word for word in words if any(word[i : i + _READ] in read for i in range(len(word) - _READ + 1))]


def words_read(pixels: NDArray[np.uint8]) -> set[str]:
    """Words of four letters and digits or more that tesseract reads anywhere in a frame."""
    return {word for word in re.findall(rf"[A-Z0-9]{{{_READ},}}", ocr(pixels).upper())}


def ocr(pixels: NDArray[np.uint8]) -> str:
    """All text that tesseract finds. Thin bright strokes alone, large, black on white suit it best."""
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    strokes = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((15, 15), np.uint8))
    larger = 255 - cv2.resize(strokes, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    picture = cv2.imencode(".png", larger)[1].tobytes()
    done = subprocess.run(
        [require_tool("tesseract"), "stdin", "stdout", "--psm", "11"],
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
