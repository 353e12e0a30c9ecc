"""Text from outside, made harmless for a terminal: what a DICOM file holds is data, never an instruction."""

import unicodedata

MAX_LENGTH = 300
_MAX_MARKS = 2  # combining marks per letter; more of them climb over the neighbouring lines
_SPACES = "\t\n\v\f\r\x85\u2028\u2029"


def safe(text: str) -> str:
    """`text` on one line, without control characters, escapes, bidi marks or invisible characters.

    Rich's own markup is not touched: it only acts in strings, so the view builds `rich.text.Text`.
    """
    kept: list[str] = []
    marks = 0
    for character in text[:MAX_LENGTH]:
        category = unicodedata.category(character)
        marks = marks + 1 if category.startswith("M") else 0
        if character in _SPACES or category == "Zs":
            kept.append(" ")
        elif category.startswith("C"):  # control, format (bidi), surrogate, private, unassigned
            kept.append("\N{REPLACEMENT CHARACTER}")
        elif marks <= _MAX_MARKS:
            kept.append(character)
    return " ".join("".join(kept).split()) + ("…" if len(text) > MAX_LENGTH else "")


def person(name: str) -> str:
    """A DICOM person name (PS3.5 6.2.1) as one reads it: the first group, its components apart."""
    groups = [group for group in name.split("=") if group.strip("^ ")]
    return safe(groups[0].replace("^", " ")) if groups else ""
