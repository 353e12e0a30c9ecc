"""What is written in a picture, read by tesseract where it is installed."""

import os
import shutil
import subprocess

import cv2
import numpy as np

from scanside.deidentify.burned_in import ReadText, TextOnTissue
from scanside.image import Grey

_PROGRAM = "tesseract"  # Debian's package tesseract-ocr
_ENLARGED = 3  # letters of a scan are 10 to 20 px high; tesseract reads best from 30 px on
_TIMEOUT_S = 120
_SPARSE = ("--psm", "11")  # lines anywhere on the page, in no order


def find_reader() -> ReadText | None:
    """Find what reads text on this machine; None where tesseract is not installed."""
    program = shutil.which(_PROGRAM)
    return _Tesseract(program) if program else None


class _Tesseract:
    """Reads a page; of a class of its own, so that it can be given to other processes."""

    def __init__(self, program: str) -> None:
        self._program = program

    def __call__(self, page: Grey) -> str:
        """Read the lines of a page, (H, W) uint8, dark letters on white.

        Raises:
            TextOnTissue: tesseract failed or took too long, so that the text there is unknown.
        """
        rows, columns = np.nonzero(page < 255)
        if not len(rows):
            return ""
        inside = page[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        framed = cv2.copyMakeBorder(inside, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=255)
        larger = cv2.resize(framed, None, fx=_ENLARGED, fy=_ENLARGED, interpolation=cv2.INTER_CUBIC)
        try:
            done = subprocess.run(
                [self._program, "stdin", "stdout", *_SPARSE],
                input=cv2.imencode(".png", larger)[1].tobytes(),
                capture_output=True,
                check=True,
                timeout=_TIMEOUT_S,
                env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise TextOnTissue(
                f"{_PROGRAM} could not read the marks on the tissue ({type(error).__name__}). "
                "Try again, or take it off PATH to go without a reader."
            ) from error
        return done.stdout.decode(errors="replace")
