"""Who a header is of, looked for in what was read in an image: letters are cut off, or taken for others."""

import pytest
from pydicom.dataset import Dataset

from scanside.deidentify.identity import identity_of


def header() -> Dataset:
    made_up = Dataset()
    made_up.PatientName, made_up.PatientID, made_up.AccessionNumber = "Beispiel^Vera", "M0815472", "ACC 99317"
    made_up.PatientBirthDate, made_up.StudyDate = "19700312", "20200229"
    made_up.InstitutionName = "Testklinik Nord"
    return made_up


@pytest.mark.parametrize(
    "line",
    [
        "BEISPIEL VERA",
        "SPIEL",  # the rest lies outside the sector
        "8E1SP1EL",
        "BEISPJEL",
        "VFRA BEIPIEL",
        "ID: M08I5472",
        "0815 472",
        "99317",
        "12.03.1970",
        "03/12/70",
        "1970-03-12",
        "29.02.2020",
        "TESTKLlNlK",
    ],
)
def test_what_may_name_a_person_is_recognised(line: str) -> None:
    assert identity_of(header()).may_be_read_in(line)


@pytest.mark.parametrize(
    "line", ["", "RT OVARY", "1 D 3.21 cm", "Uterus sag", "Vol 12.4 ml", "+", "FR 31 Hz", "~ -"]
)
def test_what_examiners_write_on_every_scan_names_nobody(line: str) -> None:
    assert not identity_of(header()).may_be_read_in(line)


def test_a_header_without_a_name_names_nobody() -> None:
    identity = identity_of(Dataset())
    assert not identity.stands_in("Voluson E10") and not identity.may_be_read_in("BEISPIEL 1970")
