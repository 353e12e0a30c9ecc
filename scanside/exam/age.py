"""The patient's age by a header: Patient Age, or Patient's Birth Date against the date of the study."""

import re
from datetime import date

from pydicom.dataset import Dataset

from scanside.exam.values import read_texts

_AGE = re.compile(r"(\d{3})([DWMY])")  # PS3.5 6.2, value representation AS
_PER_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")  # DA, and its form of before 1993
_DATES_OF_EXAM = ("AcquisitionDateTime", "AcquisitionDate", "ContentDate", "SeriesDate", "StudyDate")


def read_age_years(header: Dataset) -> float | None:
    """The lowest age in years that the header gives; None where it gives none.

    Patient Age (0010,1010) and Patient's Birth Date (0010,0030) may contradict each other. A birth date
    after the exam gives no age.
    """
    ages = [*_stated(header), *_counted(header)]
    return min(ages) if ages else None


def _stated(header: Dataset) -> list[float]:
    found = [_AGE.fullmatch(text) for text in read_texts(header, "PatientAge")[:1]]
    return [int(match[1]) / _PER_YEAR[match[2]] for match in found if match]


def _counted(header: Dataset) -> list[float]:
    born = _date(header, "PatientBirthDate")
    exam = next((day for name in _DATES_OF_EXAM if (day := _date(header, name))), None)
    if born is None or exam is None or born > exam:
        return []
    whole = exam.year - born.year - ((exam.month, exam.day) < (born.month, born.day))
    return [float(whole)]


def _date(header: Dataset, keyword: str) -> date | None:
    text = next(iter(read_texts(header, keyword)), "")
    match = _DATE.match(text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
