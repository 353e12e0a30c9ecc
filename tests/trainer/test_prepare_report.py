"""report.md: every row once, and right of one patient as of many."""

from scanside.clinical import ClinicalRecord
from scanside.scan.types import Box, Crop, Size
from trainer.data.hospital import Patient, Slide
from trainer.prepare.report import report


def test_two_facts_that_are_unknown_are_two_rows() -> None:
    patient = Patient("P1", "train", 0, ClinicalRecord(), malignant=False)
    slide = Slide("S1", "P1", False, Crop(Box(0, 0, 5, 4), Size(4, 5)), "0" * 64)
    text = report([patient], [slide], [], files=1, without=0)
    rows = [line for line in text.splitlines() if line.endswith(" | 1 | 0 |")]
    assert {"| patients, centre unknown | 1 | 0 |", "| patients, menopausal status unknown | 1 | 0 |"} < set(
        rows
    )
    assert len(set(rows)) == len(rows) == 6
    assert "1 patients" not in text and "Patients: 1" in text
