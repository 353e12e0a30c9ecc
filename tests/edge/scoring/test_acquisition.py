"""What a header says of the examination; what makes no sense is left out."""

import pytest
from pydicom.dataset import Dataset

from edge.protocol.row import Acquisition
from edge.scoring.acquisition import read_acquisition


def _header(**values: str) -> Dataset:
    header = Dataset()
    for keyword, value in values.items():
        setattr(header, keyword, value)
    return header


def test_an_examination_is_read_whole() -> None:
    header = _header(
        StudyDate="20251130", StudyTime="101530.25", AccessionNumber=" A1 ", StationName="ROOM 3",
        ContentDate="20251130", ContentTime="1020", AcquisitionDateTime="20251130102107.5+0100",
    )  # fmt: skip
    assert read_acquisition(header) == Acquisition(
        "2025-11-30", "10:15:30", "2025-11-30T10:21:07", "A1", "ROOM 3"
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("date", "read"),
    [
        ("1997.04.24", "1997-04-24"),
        ("20260229", None),
        ("00000000", None),
        ("2026", None),
        ("20260101-20260105", None),
        ("", None),
    ],
)
def test_a_date_is_valid_or_absent(date: str, read: str | None) -> None:
    assert read_acquisition(_header(StudyDate=date)).study_date == read


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_without_a_time_nothing_is_said_to_have_been_made_then() -> None:
    assert read_acquisition(_header(ContentDate="20260101")).acquired_at is None
    assert read_acquisition(_header(StudyTime="2561")).study_time is None
    assert read_acquisition(Dataset()) == Acquisition()
