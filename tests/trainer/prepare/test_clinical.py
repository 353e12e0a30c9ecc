"""The clinical table as hospitals write it; whatever is not understood is refused, with its line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanside.errors import InputError
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from trainer.prepare.clinical import Malignancy, read_clinical

TABLE = (
    "Patient ID,Menopause,Centre,Malignant\nA-1,peri,Oncology,yes\nÄ 2,PRE-menopausal,other,0\nC,,unknown,?\n"
)
READ = {
    "A-1": (ClinicalRecord(MenopausalStatus.POST, Centre.ONCOLOGY), Malignancy.YES),
    "Ä 2": (ClinicalRecord(MenopausalStatus.PRE, Centre.OTHER), Malignancy.NO),
    "C": (ClinicalRecord(), Malignancy.UNKNOWN),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_of_every_kind(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(TABLE.replace(",", delimiter).replace("\n", end).encode(encoding))
    assert read_clinical(path) == READ


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Centre", "Hospital", "line 1: no column 'centre'"),
        ("Centre", "Menopausal status", "line 1: more than one column 'menopausal_status'"),
        ("peri", "maybe", "line 2: 'maybe' is not a menopausal_status"),
        ("yes", "borderline", "line 2: 'borderline' is not a malignant"),
        ("C,,", "A-1,,", "lines 2 and 4: the same patient"),
        ("C,,", ",,", "line 4: no patient ID"),
        ("A-1,peri,Oncology,yes", "A-1", "line 2: fewer columns"),
        ("A-1,peri", "A-1,peri,5", "line 2: more columns"),
        ("A-1", '"A-1', "not a table"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_clinical(path)


@pytest.mark.parametrize(
    ("header", "cell", "u_ml"),
    [
        ("CA125", "35.5", 35.5),
        ("CA-125 (U/ml)", "1200", 1200.0),
        ("ca125_u_ml", "0.90", 0.9),
        ("CA 125", "", None),
        ("CA125", "unknown", None),
    ],
)
def test_ca125_where_the_table_has_it(tmp_path: Path, header: str, cell: str, u_ml: float | None) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"patient;menopause;centre;malignant;{header}\nA;post;other;1;{cell}\n")
    record = ClinicalRecord(MenopausalStatus.POST, Centre.OTHER, u_ml)
    assert read_clinical(path) == {"A": (record, Malignancy.YES)}


@pytest.mark.parametrize(
    "cell", ["35,5", "1.200", "1,200", "<5", "0", "-3", "1e3", "inf", "35 U/ml", "9999999"]
)
def test_a_ca125_that_could_be_misread_is_refused(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"patient;menopause;centre;malignant;ca125\nA;post;other;1;{cell}\n")
    with pytest.raises(InputError, match=r"line 2: '.*' is not a ca125"):
        read_clinical(path)


def test_a_comma_in_a_number_moves_nothing_into_malignant(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("patient,menopause,centre,size,malignant\nA,pre,other,3,1,0\n")  # benign, of 3,1 cm
    with pytest.raises(InputError, match="line 2: more columns"):
        read_clinical(path)


def test_empty_cells_at_the_end_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE.replace("yes", "yes,,"), encoding="utf-8")
    assert read_clinical(path) == READ


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text().map(lambda text: (TABLE + text).encode("utf-8", "replace")))
def test_any_bytes_give_a_table_or_an_error_of_ours(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    try:
        assert read_clinical(path)
    except InputError as error:
        assert "table.csv" in str(error)
