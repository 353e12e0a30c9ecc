"""When an image was made, in which examination and by which machine, as its header says."""

import re
from datetime import datetime

from pydicom.dataset import Dataset

from edge.identity import text
from edge.protocol.row import Acquisition

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")  # PS3.5 6.2, DA; with dots as ACR-NEMA wrote it
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.\d*)?")  # TM, likewise


def read_acquisition(header: Dataset) -> Acquisition:
    """Read the examination from a header; what makes no sense is left out. It never raises."""
    whole = text(header, "AcquisitionDateTime")
    moments = [
        _moment(whole[:8], whole[8:]),
        _moment(text(header, "AcquisitionDate"), text(header, "AcquisitionTime")),
        _moment(text(header, "ContentDate"), text(header, "ContentTime")),
    ]
    acquired = next((moment for moment in moments if moment), None)
    study_time = _time(text(header, "StudyTime"))
    return Acquisition(
        study_date=_date(text(header, "StudyDate")),
        study_time=study_time,
        acquired_at=acquired,
        accession_number=text(header, "AccessionNumber").strip() or None,
        station=text(header, "StationName").strip() or None,
    )


def _moment(date: str, time: str) -> str | None:
    day, clock = _date(date), _time(time)
    return f"{day}T{clock}" if day and clock else None


def _date(value: str) -> str | None:
    found = _DATE.fullmatch(value.strip())
    return _valid("-".join(found.groups()), "%Y-%m-%d") if found else None


def _time(value: str) -> str | None:
    found = _TIME.match(value.strip())  # Acquisition DateTime may end with an offset from UTC
    return _valid(":".join(part or "00" for part in found.groups()), "%H:%M:%S") if found else None


def _valid(value: str, form: str) -> str | None:
    try:
        datetime.strptime(value, form)
    except ValueError:
        return None
    return value
