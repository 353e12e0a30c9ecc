"""The words by which the person of a header goes, and whether a text holds one of them.

Two questions are asked. May a text stay in a header? `stands_in` looks for words as they are written, but for
case, accents and what surrounds them. Does a text that was read in the pixels name the person?
`may_be_read_in` allows for letters that are cut off or taken for others.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset

from scanside.deidentify import attributes

_PLACES = frozenset({"InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName", "StationName"})
_DATES = attributes.DATES | {"PatientBirthDate", "AcquisitionDateTime"}

_INSIDE = 3  # letters: a shorter word counts only where it stands alone; "Li" is in half of all texts
_ACROSS = 6  # letters: a longer word counts across blanks and hyphens, too
_PART = 4  # letters of a longer word that suffice in the pixels: the sector's edge cuts names off
_ONE_WRONG = 5  # letters of a word of which one may be misread

_PLAIN = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"}  # not in NFKD
_ALIKE = {"o": "0", "q": "0", "d": "0", "i": "1", "l": "1", "j": "1", "|": "1", "z": "2", "s": "5", "b": "8"}
_UMLAUT = re.compile(r"(?<=[aou])e")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[^\W\d_])(?=\d)")


@dataclass(frozen=True)
class Identity:
    """What names a person.

    Attributes:
        names: folded words of names and identifiers, and names written as one word.
        others: folded words and dates that name nobody alone but do so burned into an image: institution,
            dates of birth and of the exam in the ways in which people write them.
    """

    names: frozenset[str]
    others: frozenset[str]

    def stands_in(self, text: str) -> bool:
        """Whether a word of the person's is in `text`: inside a longer word too, from 3 letters on."""
        words, alone = _words(_fold(text)), set(_words(_fold(_CAMEL.sub(" ", text))))
        plain = {*words, *map(_without_umlaut, words)}
        whole = {"".join(words), _without_umlaut("".join(words))}
        for name in self.names:
            for form in {name, _without_umlaut(name)}:
                if form in alone or (len(form) >= _INSIDE and any(form in word for word in plain)):
                    return True
                if len(form) >= _ACROSS and any(form in text for text in whole):
                    return True
        return False

    def may_be_read_in(self, text: str) -> bool:
        """Whether whoever read this line of text may have seen a word of the person's, or a part of one."""
        words = _words(_fold(text))
        line = _alike("".join(words))
        for known in self.names | self.others:
            if len(known) < _PART:
                if known in words and len(known) >= _INSIDE:
                    return True
            elif _shares_part(_alike(known), line) or (len(known) >= _ONE_WRONG and _nearly_in(known, line)):
                return True
        return False


def identity_of(header: Dataset) -> Identity:
    """The words of every name and number by which a person goes, in nested items too."""
    names: set[str] = set()
    others: set[str] = set()
    for keyword, text in _texts(header):
        words = _words(_fold(text))
        if dictionary_VR(keyword) == "PN" or keyword in attributes.IDENTIFIERS:
            names.update(word for word in words if len(word) > 1)
            names.update(part for word in words for part in re.findall(r"\d{4,}", word))
            names.update(map("".join, permutations(words[:4], 2)))
            names.add("".join(words))
        elif keyword in _PLACES:
            others.update(word for word in words if len(word) >= _PART)
        else:
            others.update(_ways_to_write(text))
    names = {name for name in names if len(name) > 1}
    return Identity(frozenset(names), frozenset(others))


def _texts(header: Dataset) -> Iterator[tuple[str, str]]:
    """Keyword and text of every attribute that names a person, a place or a day."""
    for keyword in header.dir():  # private and unknown elements have no keyword
        if not tag_for_keyword(keyword):  # overlays and curves have no one tag
            continue
        try:
            element = header[keyword]
        except Exception:  # a value that pydicom can't read can't be written on, either
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _texts(item)
        elif (
            dictionary_VR(keyword) == "PN"
            or keyword in attributes.IDENTIFIERS
            or keyword in _PLACES
            or keyword in _DATES
        ):
            yield keyword, str(element.value or "")


def _ways_to_write(date: str) -> Iterator[str]:
    """A DICOM date as digits in the three orders in use, with four and with two digits of the year."""
    match = re.match(r"(\d\d)(\d\d)(\d\d)(\d\d)", date)
    if match:
        century, year, month, day = match.groups()
        for short in (century + year, year):
            yield from (short + month + day, day + month + short, month + day + short)


def _fold(text: str) -> str:
    """Small letters without accents."""
    plain = "".join(_PLAIN.get(letter, letter) for letter in text.casefold())
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def _words(folded: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded)


def _without_umlaut(folded: str) -> str:
    """Mueller as Muller: so that it need not be known which of them a machine made of an umlaut."""
    return _UMLAUT.sub("", folded)


def _alike(folded: str) -> str:
    """Letters that readers take for one another become one."""
    return "".join(_ALIKE.get(letter, letter) for letter in folded)


def _shares_part(known: str, line: str) -> bool:
    parts = {known[i : i + _PART] for i in range(len(known) - _PART + 1)}
    return any(part in line for part in parts if len(set(part)) > 1)  # 0000 is in too many numbers


def _nearly_in(known: str, line: str) -> bool:
    """Whether `known` is in `line` but for one letter: wrong, missing or too many (Sellers 1980)."""
    known = _alike(known)
    costs = list(range(len(known) + 1))
    for letter in line:
        before, costs[0] = 0, 0
        for i, wanted in enumerate(known, start=1):
            change = before + (letter != wanted)
            before, costs[i] = costs[i], min(change, costs[i] + 1, costs[i - 1] + 1)
        if costs[-1] <= 1:
            return True
    return False


def any_may_be_read(identity: Identity, lines: Iterable[str]) -> bool:
    """Whether one of several lines may name the person."""
    return any(map(identity.may_be_read_in, lines))
