"""No attribute stays that is not allowed, and no value of a form that can carry a name."""

import csv
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UltrasoundImageStorage

from scanside.deidentify import attributes
from scanside.deidentify.header import clean_header, device_of
from scanside.deidentify.key import Key
from scanside.errors import Unreadable
from tests.synth.patients import make_patient

KEY, OTHER = Key(bytes(32)), Key(bytes(range(32)))
ALLOWED = (
    attributes.NUMBERS
    | attributes.TERMS.keys()
    | attributes.TEXTS
    | attributes.DATES
    | attributes.TIMES
    | attributes.DATETIMES
    | attributes.UIDS
    | attributes.CLASSES
    | attributes.SEQUENCES
    | set(attributes.EMPTY)
    | attributes.WRITTEN
    | {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}  # of the methods
)
TEXT_VR = ("LO", "SH", "PN", "CS", "LT", "ST", "UT", "AE", "DA", "TM", "DT", "AS", "UI")


def minimal(**values: object) -> Dataset:
    header = Dataset()
    header.SOPClassUID = UltrasoundImageStorage
    header.SOPInstanceUID, header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3", "1.2.4", "1.2.5"
    header.PatientID, header.PatientName = "12345678", "SYNTH^CASE"
    for keyword, value in values.items():
        setattr(header, keyword, value)
    return header


def test_nothing_that_annex_e_removes_is_kept_as_it_is() -> None:
    """Table E.1-1 of edition 2026c: what it names is mapped, moved or emptied, where it stays at all."""
    with Path(__file__).with_name("annex_e_2026c.csv").open() as file:
        table = {int(row["tag"], 16): row["action"] for row in csv.DictReader(file)}
    assert len(table) > 600
    as_they_are = attributes.NUMBERS | attributes.TERMS.keys() | attributes.TEXTS | attributes.CLASSES
    assert [name for name in as_they_are if tag_for_keyword(name) in table] == []
    mapped = {name: table.get(tag_for_keyword(name)) for name in attributes.UIDS}
    assert set(mapped.values()) == {"U"}


def test_every_allowed_name_is_one_of_the_standard() -> None:
    assert [name for name in ALLOWED if tag_for_keyword(name) is None] == []


@pytest.mark.parametrize("seed", range(6))
def test_nothing_else_is_left_of_a_header_full_of_identity(seed: int) -> None:
    clean = clean_header(make_patient(seed).instance, KEY)
    assert {element.keyword for element in clean.iterall()} <= ALLOWED
    assert all(element.tag.group % 2 == 0 for element in clean.iterall())


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(sorted(DicomDictionary)),
        st.tuples(st.sampled_from(TEXT_VR), st.just("NEEDLE^NEEDLE")),
    )
)
def test_no_attribute_carries_a_name_out(elements: dict[int, str]) -> None:
    header = minimal()
    for tag, representation in elements.items():
        if tag >> 16 > 2 and tag not in header:
            header[tag] = DataElement(tag, representation, "NEEDLE^NEEDLE", validation_mode=0)
    header.PatientName = "NEEDLE^NEEDLE"
    assert "NEEDLE" not in str(clean_header(header, KEY))


def test_what_allowed_attributes_carry_beside_their_due_is_removed() -> None:
    header = minimal(Manufacturer="Synth of 12345678", ManufacturerModelName="Voluson E10", Modality="US")
    header["FrameTime"] = DataElement("FrameTime", "LO", "CASE", validation_mode=0)
    header["StudyDate"] = DataElement("StudyDate", "LO", "20200101 CASE", validation_mode=0)
    header["StudyTime"] = DataElement("StudyTime", "LO", "CASE", validation_mode=0)
    header["Laterality"] = DataElement("Laterality", "CS", "CASE", validation_mode=0)
    clean = clean_header(header, KEY)
    assert not clean.Manufacturer and not clean.StudyDate and not clean.StudyTime
    assert "FrameTime" not in clean and not clean.Laterality
    assert clean.ManufacturerModelName == "Voluson E10" and clean.Modality == "US"


@pytest.mark.parametrize(
    ("keyword", "representation", "value"),
    [
        ("SeriesNumber", "DS", "9e12"),
        ("PixelAspectRatio", "DS", "-3e10"),
        ("FrameTime", "FD", float("nan")),
        ("MechanicalIndex", "OB", b"12"),
    ],
)
def test_a_number_that_can_not_be_written_is_removed(
    keyword: str, representation: str, value: object
) -> None:
    header = minimal()
    header[keyword] = DataElement(keyword, representation, value, validation_mode=0)
    clean = clean_header(header, KEY)
    assert clean.get(keyword) is None
    clean.save_as(BytesIO(), implicit_vr=True, little_endian=True)


def test_references_point_to_the_new_uids() -> None:
    image, other = minimal(), minimal(SOPInstanceUID="1.2.6")
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = UltrasoundImageStorage, "1.2.3"
    reference.PatientName = "SYNTH^CASE"
    other.SourceImageSequence = [reference]
    new, new_other = clean_header(image, KEY), clean_header(other, KEY)
    assert new_other.SourceImageSequence[0].ReferencedSOPInstanceUID == new.SOPInstanceUID != "1.2.3"
    assert "PatientName" not in new_other.SourceImageSequence[0]
    assert new_other.StudyInstanceUID == new.StudyInstanceUID
    assert new_other.SOPInstanceUID != new.SOPInstanceUID


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.text())
def test_intervals_between_dates_are_kept(one: date, other: date, patient: str) -> None:
    moved = []
    for day in (one, other):
        written = f"{day:%Y%m%d}"
        header = minimal(PatientID=patient, StudyDate=written, AcquisitionDateTime=f"{written}101112.5+0100")
        clean = clean_header(header, KEY)
        assert clean.AcquisitionDateTime == f"{clean.StudyDate}101112.5+0100"
        assert clean.StudyDate != written
        moved.append(
            date.fromisoformat(f"{clean.StudyDate[:4]}-{clean.StudyDate[4:6]}-{clean.StudyDate[6:]}")
        )
    assert moved[1] - moved[0] == other - one
    assert timedelta(1) <= one - moved[0] <= timedelta(3650)


@pytest.mark.parametrize(
    "written", ["2020", "20201301", "20200230", "2020.01.01", "00010101", "20200101-20200102"]
)
def test_a_date_that_can_not_be_moved_is_removed(written: str) -> None:
    header = minimal()
    header["StudyDate"] = DataElement("StudyDate", "DA", written, validation_mode=0)
    assert not clean_header(header, KEY).StudyDate


def test_the_same_key_gives_the_same_header_and_another_an_unlinkable_one() -> None:
    instance = make_patient(3).instance
    once, again, other = (clean_header(instance, key) for key in (KEY, KEY, OTHER))
    assert once == again
    linkable = (
        "PatientID",
        "PatientName",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "StudyDate",
    )
    assert [name for name in linkable if once[name].value == other[name].value] == []


def test_one_patient_stays_one_and_two_stay_two() -> None:
    pseudonyms = [
        clean_header(header, KEY).PatientID
        for header in (
            minimal(),
            minimal(PatientName="Married^Anew", StudyInstanceUID="1.2.99", IssuerOfPatientID="Clinic"),
            minimal(PatientID="12345679"),
            minimal(PatientID=""),
            minimal(PatientID="", StudyInstanceUID="1.2.99"),
        )
    ]
    assert pseudonyms[0] == pseudonyms[1]
    assert len(set(pseudonyms)) == 4


@pytest.mark.parametrize("keyword", attributes.REQUIRED_UIDS)
def test_an_instance_without_its_place_is_refused(keyword: str) -> None:
    for value in ("", ["1.2.3", "1.2.4"]):
        with pytest.raises(Unreadable, match=keyword):
            clean_header(minimal(**{keyword: value}), KEY)


def test_a_machine_is_named_where_its_name_names_nobody() -> None:
    assert device_of(minimal(Manufacturer="MADE UP", ManufacturerModelName="X 8")) == "MADE UP X 8"
    assert device_of(minimal(Manufacturer="MADE UP", ManufacturerModelName="of case")) == "MADE UP"
    assert device_of(minimal(Manufacturer="Room of 12345678")) == device_of(minimal()) == ""


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("Doe^Jane", "1", "VolusonDoeJane"),
        ("Doe^Jane", "M4711", "M4711M"),
        ("Doe^Jane", "M4711", "X4711"),
        ("Doe^Jane", "12 34 56 78", "Room-12345678"),
        ("M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller^Eva", "1", "Voluson of MULLER"),
        ("M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller^Eva", "1", "MuellerRoom"),
        ("Mueller^Eva", "1", "Muller"),
        ("\N{LATIN CAPITAL LETTER L WITH STROKE}ukasz^Ewa", "1", "lukasz"),
        ("Stra\N{LATIN SMALL LETTER SHARP S}er^Eva", "1", "STRASSER 2"),
        ("Li^Na", "1", "Voluson Li"),
        ("Li^Na", "1", "VolusonLi"),
        ("Li^Na", "1", "NaLi3000"),
    ],
)
def test_a_name_in_a_longer_word_or_without_its_accents_is_removed(name: str, number: str, text: str) -> None:
    header = minimal(ManufacturerModelName=text, PatientID=number)
    header.SpecificCharacterSet = "ISO_IR 192"
    header.PatientName = name
    assert "ManufacturerModelName" not in clean_header(header, KEY)


@pytest.mark.parametrize("text", ["Lightspeed Voluson", "Nanomaxx", "Affiniti 70W", "Philips Healthcare"])
def test_a_name_of_two_letters_empties_no_text_that_merely_holds_them(text: str) -> None:
    clean = clean_header(minimal(ManufacturerModelName=text, PatientName="Li^Na", PatientID="70"), KEY)
    assert clean.ManufacturerModelName == text


def test_a_name_in_a_nested_item_counts() -> None:
    request = Dataset()
    request.RequestingPhysician = "Beispiel^Ada"
    header = minimal(ManufacturerModelName="Suite Beispiel", RequestAttributesSequence=[request])
    assert "ManufacturerModelName" not in clean_header(header, KEY)


@pytest.mark.parametrize(
    ("ratio", "spacing", "kept"),
    [
        ([1, 1], None, False),
        ([7, 7], None, False),
        ([4, 3], None, True),
        ([4, 3], [0.1, 0.1], False),
        ([0, 3], None, False),
    ],
)
def test_an_aspect_ratio_stays_only_where_it_may(
    ratio: list[int], spacing: list[float] | None, kept: bool
) -> None:
    header = minimal(PixelAspectRatio=ratio)
    if spacing:
        header.PixelSpacing = spacing
    assert ("PixelAspectRatio" in clean_header(header, KEY)) is kept


def test_patient_orientation_is_there_and_empty() -> None:
    """PS3.3 C.7.6.1: type 2C, required of an image without Image Orientation (Patient)."""
    clean = clean_header(minimal(PatientOrientation=["L", "F"]), KEY)
    assert "PatientOrientation" in clean and not clean.PatientOrientation
