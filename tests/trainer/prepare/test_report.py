"""report.md: every row once, and right of one patient as of many."""

import csv
import io
from pathlib import Path

import pytest

from scanside.facts import ClinicalRecord
from scanside.image import Box, Size
from scanside.scan.types import Crop
from trainer.data.hospital import CohortPatient, CohortSlide
from trainer.prepare.dataset import make_table
from trainer.prepare.instance import LeftOutFrame
from trainer.prepare.report import MissingSlide, make_left_out_table, make_private_table, make_report


def test_two_facts_that_are_unknown_are_two_rows() -> None:
    patient = CohortPatient("P1", "train", 0, ClinicalRecord(), malignant=False)
    slide = CohortSlide("S1", "P1", False, Crop(Box(0, 0, 5, 4), Size(4, 5)), "0" * 64)
    text = make_report([patient], [slide], [], files=1, without=0)
    rows = [line for line in text.splitlines() if line.endswith(" | 1 | 0 |")]
    assert {"| patients, centre unknown | 1 | 0 |", "| patients, menopausal status unknown | 1 | 0 |"} < set(
        rows
    )
    assert len(set(rows)) == len(rows) == 6
    assert "1 patients" not in text and "Patients: 1" in text


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))[1:]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "  =", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_name_of_a_file_becomes_a_formula(begin: str) -> None:
    missing = [
        MissingSlide(1, Path(f"{begin}HYPERLINK(1).dcm"), LeftOutFrame("file", 0, f"{begin}1", f"{begin}2"))
    ]
    for content in (make_left_out_table(missing), make_private_table(missing)):
        (row,) = rows(content)
        texts = [cell for cell in row if cell.lstrip("'").startswith(begin)]
        assert texts and all(cell.startswith("'") for cell in texts)


def test_numbers_and_other_texts_stay_as_they_are() -> None:
    written = make_table(("fold", "share", "path"), [{"fold": -1, "share": -0.5, "path": "a=b-c@d"}])
    assert rows(written) == [["-1", "-0.5", "a=b-c@d"]]


def test_a_name_with_a_line_break_stays_in_its_row() -> None:
    missing = [MissingSlide(1, Path("a\r=1\nb.dcm"), LeftOutFrame("file", 0, "damaged"))]
    ((number, path, *_),) = rows(make_private_table(missing))
    assert number == "1" and path == "a\\r=1\nb.dcm"
