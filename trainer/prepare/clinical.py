"""The clinical table: CSV as hospitals export it -> facts by patient (docs/datasets.md lists all words)."""

import csv
import io
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import Path
from typing import TypeVar

from scanside.errors import InputError
from scanside.facts import CA125_MOST, Centre, ClinicalRecord, MenopausalStatus
from scanside.regular_file import read_regular

_MAX_BYTES = 64 * 2**20
_UNKNOWN = frozenset({"", "unknown", "unk", "na", "n a", "nan", "nd", "none", "missing", "?"})
_HEADERS = {
    "patient": {"patient", "patient id", "patientid", "id", "case", "case id"},
    "menopausal_status": {"menopausal status", "menopausalstatus", "menopause", "menopausal"},
    "centre": {"centre", "center", "centre type", "center type", "hospital type"},
    "malignant": {"malignant", "malignancy", "outcome", "label"},
    "ca125": {"ca125", "ca 125", "ca125 u ml", "ca 125 u ml", "ca125 (u ml)", "ca 125 (u ml)"},
}
_OPTIONAL = ("ca125",)
# Three decimals could be thousands (1.200 in German) and a comma either: both are refused.
_U_ML = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")
_MENOPAUSAL = {
    MenopausalStatus.PRE: {"premenopausal", "premenopause", "pre menopausal", "pre"},
    # Perimenopausal counts as postmenopausal (thesis, appendix C).
    MenopausalStatus.POST: {"postmenopausal", "postmenopause", "post menopausal", "post"}
    | {"perimenopausal", "perimenopause", "peri menopausal", "peri"},
    MenopausalStatus.UNKNOWN: _UNKNOWN,
}
_CENTRE = {
    Centre.ONCOLOGY: {"oncology centre", "oncology center", "oncology", "onco"},
    Centre.OTHER: {"other centre", "other center", "other", "non oncology", "non oncology centre"}
    | {"non oncology center"},
    Centre.UNKNOWN: _UNKNOWN,
}


class Malignancy(str, Enum):
    """What histology, or follow-up, says of a patient."""

    YES = "malignant"
    NO = "benign"
    UNKNOWN = "unknown"


_MALIGNANT = {
    Malignancy.YES: {"1", "yes", "true", "malignant", "y"},
    Malignancy.NO: {"0", "no", "false", "benign", "n"},
    Malignancy.UNKNOWN: _UNKNOWN,
}
_Value = TypeVar("_Value")


def read_clinical(path: Path) -> dict[str, tuple[ClinicalRecord, Malignancy]]:
    """Read the table at `path`: comma, semicolon or tab; UTF-8, UTF-16 with BOM, else Windows-1252.

    Returns:
        By patient ID, as the DICOM files have it.

    Raises:
        InputError: a column is missing or stands twice, a value is not understood, a patient stands twice;
            with its line. The column of CA125 may be missing.
    """
    text = _read_text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        column = _find_columns(path, header)
        facts: dict[str, tuple[ClinicalRecord, Malignancy]] = {}
        line_of: dict[str, int] = {}
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            line = rows.line_num
            if len(row) <= max(column.values()):
                raise InputError(f"{path}, line {line}: fewer columns than the header names.")
            if any(cell.strip() for cell in row[len(header) :]):  # a comma in a cell moves what follows it
                raise InputError(
                    f"{path}, line {line}: more columns than the header names. "
                    "Quote cells that hold the delimiter."
                )
            patient = row[column["patient"]].strip()
            if not patient:
                raise InputError(f"{path}, line {line}: no patient ID.")
            if patient in facts:
                raise InputError(
                    f"{path}, lines {line_of[patient]} and {line}: the same patient. Keep one line for each."
                )
            line_of[patient] = line
            facts[patient] = (
                ClinicalRecord(
                    _parse_value(
                        path, line, "menopausal_status", row[column["menopausal_status"]], _MENOPAUSAL
                    ),
                    _parse_value(path, line, "centre", row[column["centre"]], _CENTRE),
                    _parse_ca125(path, line, row[column["ca125"]]) if "ca125" in column else None,
                ),
                _parse_value(path, line, "malignant", row[column["malignant"]], _MALIGNANT),
            )
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: not a table: {error}.") from error
    if not facts:
        raise InputError(f"{path} names no patient.")
    return facts


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} is larger than {_MAX_BYTES >> 20} MiB: that is not a clinical table.")
        content = read_regular(path)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}. Check --clinical.") from error
    encodings = (
        ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1")
    )
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path} is not text. Save the table as CSV in UTF-8.")


def _find_columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [_normalise(cell) for cell in header]
    columns = {}
    for wanted, synonyms in _HEADERS.items():
        at = [index for index, name in enumerate(names) if name in synonyms]
        if not at and wanted in _OPTIONAL:
            continue
        if len(at) != 1:
            known = ", ".join(sorted(synonyms))
            raise InputError(
                f"{path}, line 1: {'no' if not at else 'more than one'} column '{wanted}' "
                f"(understood: {known})."
            )
        columns[wanted] = at[0]
    return columns


def _parse_value(
    path: Path, line: int, column: str, cell: str, words: Mapping[_Value, AbstractSet[str]]
) -> _Value:
    plain = _normalise(cell)
    for value, synonyms in words.items():
        if plain in synonyms:
            return value
    known = ", ".join(sorted(word for synonyms in words.values() for word in synonyms if word))
    raise InputError(f"{path}, line {line}: '{cell.strip()[:40]}' is not a {column} (understood: {known}).")


def _parse_ca125(path: Path, line: int, cell: str) -> float | None:
    if _normalise(cell) in _UNKNOWN:
        return None
    text = cell.strip()
    if not (_U_ML.fullmatch(text) and 0 < float(text) <= CA125_MOST):
        raise InputError(
            f"{path}, line {line}: '{text[:40]}' is not a ca125 (understood: U/ml above 0 and at most "
            f"{CA125_MOST:.0f}, with a point and at most two decimals; or unknown)."
        )
    return float(text)


def _normalise(cell: str) -> str:
    """Normalise to lower case, and one blank for whatever parts words."""
    return re.sub(r"[\s_/-]+", " ", cell).strip().lower()
