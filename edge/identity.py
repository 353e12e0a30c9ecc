"""Who the patient is by the header, and what of that can't be decoded: no wrong name is shown as right."""

import re
import warnings
from dataclasses import dataclass

from pydicom.charset import convert_encodings, default_encoding
from pydicom.dataset import Dataset

from edge.protocol.row import ID_UNDECODED, NAME_UNDECODED, Patient

# What becomes of bytes that no declared character set explains: pydicom puts the first in their place, keeps
# the second, and reads the third as Latin-1 where none is declared or the one that is declared is unknown.
_REPLACED, _ESCAPE, _GUESSED = "\N{REPLACEMENT CHARACTER}", "\x1b", re.compile("[\x80-\xff]")


@dataclass(frozen=True)
class Identity:
    """The patient of an instance.

    Attributes:
        patient: name and ID; a byte that can't be decoded stands as `\\xNN` in it, so that two IDs stay two.
        flags: what can't be decoded, as rows say it.
    """

    patient: Patient
    flags: tuple[str, ...]


def identity(header: Dataset) -> Identity:
    """What the header says, by its Specific Character Set (PS3.3 C.12.1.1.2); it never raises."""
    name, number, issuer = (text(header, word) for word in ("PatientName", "PatientID", "IssuerOfPatientID"))
    if _guesses(header):
        name, number, issuer = (_GUESSED.sub(_escaped, value) for value in (name, number, issuer))
    flags = {NAME_UNDECODED: name, ID_UNDECODED: number}
    return Identity(
        Patient(name, number, issuer), tuple(flag for flag, value in flags.items() if _damaged(value))
    )


def text(header: Dataset, keyword: str) -> str:
    """The value as text; hostile bytes may not decode, and then it is as good as missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(header.get(keyword) or "")
    except Exception:
        return ""


def _guesses(header: Dataset) -> bool:
    """Whether pydicom fell back to Latin-1: for the default repertoire, ASCII alone, or an unknown one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return default_encoding in convert_encodings(header.get("SpecificCharacterSet"))
    except Exception:
        return True


def _escaped(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _damaged(value: str) -> bool:
    return _REPLACED in value or _ESCAPE in value or "\\x" in value
