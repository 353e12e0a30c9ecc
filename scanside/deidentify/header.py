"""The attributes of an instance -> those that say nothing about whose it is (PS3.15 Annex E).

Nothing is taken out: a new dataset is built from what attributes.py allows, value by value.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VM, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from scanside.deidentify import attributes
from scanside.deidentify.identity import Identity, identity_of
from scanside.deidentify.key import Key
from scanside.errors import Unreadable

_TEXT = re.compile(r"[A-Za-z0-9 .,()/+&-]{1,64}")
_TIME = re.compile(r"\d\d(\d\d(\d\d(\.\d{1,6})?)?)?")
_DATETIME = re.compile(rf"(?P<date>\d{{8}})(?P<rest>({_TIME.pattern})?([+-]\d{{4}})?)")

# Ranges of PS3.5 table 6.2-1. A maker's file may have the attribute in another representation.
_INTEGERS = {
    "IS": (-(2**31), 2**31 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UL": (0, 2**32 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "US": (0, 2**16 - 1),
}


def clean_header(header: Dataset, key: Key) -> Dataset:
    """A new dataset with what may stay of `header`, its pixels and their description left out.

    Raises:
        Unreadable: a UID is missing without which an instance has no place in its study.
    """
    patient = patient_of(header)
    clean = _Cleaner(key, key.shift(patient), identity_of(header)).dataset(header)
    _drop_needless_aspect_ratio(clean)
    for keyword in attributes.REQUIRED_UIDS:
        if keyword not in clean:
            raise Unreadable(f"no {keyword}, or several: the instance has no place in a study.")
    for keyword in attributes.EMPTY:
        if keyword not in clean:
            setattr(clean, keyword, None)
    if "ImageLaterality" not in clean and "Laterality" not in clean:
        clean.Laterality = None  # type 2C: what body part it is, paired or not, is no longer told
    clean.PatientName = clean.PatientID = key.pseudonym(patient)
    clean.LongitudinalTemporalInformationModified = "MODIFIED"
    return clean


def state_method(clean: Dataset, *, pixels_are_clean: bool) -> None:
    """Write what was done to an instance, and no more (PS3.15 E.1.1, E.3.1; PS3.3 C.7.1.1, C.7.6.1).

    Args:
        clean: of `clean_header`.
        pixels_are_clean: whether text was looked for in every frame, and none is left.
    """
    methods = [m for m in attributes.METHODS if pixels_are_clean or m is not attributes.CLEAN_PIXEL_DATA]
    clean.PatientIdentityRemoved = "YES" if pixels_are_clean else "NO"  # of attributes and of pixels
    clean.BurnedInAnnotation = "NO" if pixels_are_clean else "YES"
    clean.DeidentificationMethod = [f"DCM {code}" for code, _ in methods]
    clean.DeidentificationMethodCodeSequence = [_code(*method) for method in methods]


def patient_of(header: Dataset) -> str:
    """What a patient is known by: Patient ID; where it is empty, the study stands for its patient.

    The issuer is left out: machines of one hospital write it or not, and one patient must not become two.
    """
    return _text(header, "PatientID") or f"study {_text(header, 'StudyInstanceUID')}"


def device_of(header: Dataset) -> str:
    """Make and model of the machine, as far as they may stay; empty where they may not."""
    identity, named = identity_of(header), (header.get("Manufacturer"), header.get("ManufacturerModelName"))
    return " ".join(text for text in named if isinstance(text, str) and _nobodys(text, identity))


@dataclass(frozen=True)
class _Cleaner:
    """The rules of one instance: the key, its patient's shift of dates, who it is of."""

    key: Key
    shift: timedelta
    identity: Identity

    def dataset(self, source: Dataset, *, nested: bool = False) -> Dataset:
        clean = Dataset()
        for keyword in source.dir():  # private and unknown elements have no keyword
            if keyword in attributes.SEQUENCES and source[keyword].VR == "SQ" and not nested:
                items = [self.dataset(item, nested=True) for item in source[keyword].value]
                value: Any = [item for item in items if len(item)]
            else:
                value = self._value(keyword, source)
            if value not in (None, []):
                setattr(clean, keyword, value)
        return clean

    def _value(self, keyword: str, source: Dataset) -> Any:
        """The value as it may stay; None where it may not."""
        rule = self._rule(keyword)
        if rule is None:
            return None
        try:
            value = source[keyword].value
            several = isinstance(value, MultiValue)
            if several and dictionary_VM(keyword) == "1":
                return None
            cleaned = [rule(part) for part in (value if several else [value])]
        except (ValueError, TypeError, OverflowError):  # not of the form that the attribute has to have
            return None
        if None in cleaned:
            return None
        return cleaned if several else cleaned[0]

    def _rule(self, keyword: str) -> Callable[[Any], Any] | None:
        if keyword in attributes.NUMBERS:
            return lambda value: _number(value, dictionary_VR(keyword))
        if keyword in attributes.TERMS:
            return lambda value: value if value in attributes.TERMS[keyword] else None
        rules: dict[frozenset[str], Callable[[Any], Any]] = {
            attributes.TEXTS: lambda value: _nobodys(value, self.identity),
            attributes.DATES: lambda value: _moved(value, self.shift),
            attributes.TIMES: lambda value: value if _TIME.fullmatch(value) else None,
            attributes.DATETIMES: self._moved_datetime,
            attributes.UIDS: lambda value: self.key.uid(str(value)) if value else None,
            attributes.CLASSES: lambda value: value if value in UID_dictionary else None,
        }
        return next((rule for keywords, rule in rules.items() if keyword in keywords), None)

    def _moved_datetime(self, value: str) -> str | None:
        match = _DATETIME.fullmatch(value)
        return match and _moved(match["date"], self.shift) + match["rest"]


def _nobodys(text: str, identity: Identity) -> str | None:
    """The text, unless it holds one of the words by which a person goes."""
    return text if _TEXT.fullmatch(text) and not identity.stands_in(text) else None


def _drop_needless_aspect_ratio(clean: Dataset) -> None:
    """Pixel Aspect Ratio is there only where it is not 1:1 and no spacing says it (PS3.3 C.7.6.3.1)."""
    ratio = clean.get("PixelAspectRatio")
    says_something = isinstance(ratio, MultiValue) and len(ratio) == 2 and ratio[0] != ratio[1]
    if ratio is not None and ("PixelSpacing" in clean or not says_something or min(ratio) <= 0):
        del clean.PixelAspectRatio


def _moved(date: str, shift: timedelta) -> str:
    if not re.fullmatch(r"\d{8}", date):
        raise ValueError("not a date")
    moved = datetime.strptime(date, "%Y%m%d") + shift
    return f"{moved.year:04}{moved.month:02}{moved.day:02}"  # strftime writes the year 987 in three digits


def _number(value: Any, representation: str) -> int | float | str | None:
    """Numbers anew from their value: text can hide in how one is written."""
    if value is None or value == "":
        return None
    if isinstance(value, bytes):  # of an unknown representation: float() reads the digits in it
        return None
    number = float(value)
    if not math.isfinite(number):
        return None
    if representation == "DS":
        return f"{number:.10g}"
    if representation in ("FD", "FL"):
        return number
    low, high = _INTEGERS[representation]
    return int(number) if low <= number <= high else None


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip(" \0")


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code
