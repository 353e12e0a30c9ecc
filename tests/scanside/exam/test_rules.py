"""What a header says of the exam is asked before the network is: each rule, its brothers and its setting."""

import warnings
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from scanside.errors import SettingError
from scanside.exam.ask import ExamFindings, ask_header
from scanside.exam.options import ExamOptions, read_actions
from scanside.exam.rules import RULES, Action
from scanside.exam.values import read_texts
from scanside.image import Box
from tests.synth.dicom import make_instance, region
from tests.synth.scans import make_frame


def header(**values: Any) -> Dataset:
    made = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in values.items():
            setattr(made, keyword, value)
    return made


def ask(**values: Any) -> ExamFindings:
    return ask_header(header(**values), ExamOptions())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"PatientSex": "M"}, "a male patient"),
        ({"PatientSex": "m "}, "a male patient"),
        ({"PatientSex": "Male"}, "a male patient"),  # no code of the standard, but no doubt either
        ({"PatientAge": "006Y"}, "a patient 6 years old"),
        ({"PatientAge": "017Y"}, "a patient 17 years old"),
        ({"PatientAge": "001Y"}, "a patient 1 year old"),
        ({"PatientAge": "030D"}, "a patient under 1 year old"),
        ({"PatientAge": "150M"}, "a patient 12 years old"),
        ({"PatientBirthDate": "20150203", "StudyDate": "20260202"}, "a patient 10 years old"),
        ({"PatientBirthDate": "20150203", "AcquisitionDateTime": "20260203101112"}, "a patient 11 years old"),
        ({"PatientBirthDate": "1990.02.03", "StudyDate": "1994.11.05"}, "a patient 4 years old"),
        (
            {"PatientAge": "006Y", "PatientBirthDate": "19700102", "StudyDate": "20240203"},
            "a patient 6 years",
        ),
        ({"HeartRate": "117"}, "a heart rate of 117 per minute"),
        ({"RWaveTimeVector": [0.1, 0.9]}, "R waves"),
        ({"Modality": "IVUS"}, "the inside of a vessel"),
        ({"TransducerType": "IV_PHASED"}, "the inside of a vessel"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "CARDIOLOGY"]}, "the heart (Image Type CARDIOLOGY)"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "TEE", "0011"]}, "the heart from the oesophagus"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "SMALL_PARTS"]}, "small parts"),
        ({"BodyPartExamined": "BREAST"}, "body part breast"),
        ({"AnatomicRegionSequence": [header(CodeMeaning="Thyroid")]}, "body part thyroid"),
        ({"PatientSpeciesDescription": "Canis lupus familiaris"}, "an animal"),
    ],
)
def test_a_header_of_another_exam_is_refused_with_what_it_says(values: dict[str, Any], said: str) -> None:
    found = ask(**values)
    assert len(found.refusals) == 1 and said in found.refusals[0]
    assert found.reason is not None and found.reason.startswith("not an ovary by its header: ")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"PatientSex": "O"}, "a patient of other sex"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "OBSTETRICAL"]}, "a pregnancy"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "ABDOMINAL"]}, "the abdomen"),
        ({"BodyPartExamined": "KIDNEY"}, "body part kidney"),
        ({"TriggerTime": "400"}, "a time since a heartbeat"),
        ({"StageName": "PEAK"}, "stages"),
        ({"Modality": "OT"}, "a modality other than US"),
        ({"StudyDescription": "ECHO PEDIATRIC"}, "a child, by a description"),
        ({"PerformedProcedureStepDescription": "ECHOCARDIOGRAM"}, "the heart, by a description"),
        ({"SeriesDescription": "Schilddrüse li/re"}, "the thyroid"),
        ({"StudyDescription": "Échographie mammaire"}, "the breast"),
        ({"StudyDescription": "Ecografía de tiroides"}, "the thyroid"),
        ({"ProcessingFunction": "CARDIAC_ADULT"}, "the heart"),
    ],
)
def test_what_may_be_another_exam_is_flagged_and_scored(values: dict[str, Any], said: str) -> None:
    found = ask(**values)
    assert found.reason is None
    assert len(found.flags) == 1 and found.flags[0].startswith("header: ") and said in found.flags[0]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"PatientSex": "F", "PatientAge": "018Y", "Modality": "US"},
        {"PatientSex": ""},
        {"PatientAge": "000X"},
        {"PatientBirthDate": "20300101", "StudyDate": "20240203"},  # a date that is wrong says no age
        {"PatientBirthDate": "20060203", "StudyDate": "20240203"},  # 18 on this day
        {"PatientBirthDate": "20150203"},
        {"HeartRate": "0", "TriggerTime": "0"},  # what machines write where nothing was measured
        {"HeartRate": "-1"},
        {"ImageType": ["ORIGINAL", "PRIMARY"]},
        {"ImageType": ["TEE", "TTE"]},  # the first two values say other things
        {"BodyPartExamined": "OVARY"},
        {"TransducerType": "ENDOCAV_CLA"},
        {"PatientSpeciesDescription": "Homo sapiens"},
        {"StudyDescription": "US OVARY left"},
        {"SeriesDescription": "sweetheart"},  # part of a word is no word
    ],
)
def test_an_exam_of_an_ovary_is_never_doubted(values: dict[str, Any]) -> None:
    assert ask(**values) == ExamFindings()


@pytest.mark.parametrize(
    "values",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "ENDOVAGINAL", "0001"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "GYNECOLOGY"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "PELVIC"]},
        {"BodyPartExamined": "PELVIS"},
        {"BodyPartExamined": "UTERUS"},
        {"StudyDescription": "Échographie pelvienne"},  # echo is French for ultrasound
        {"StudyDescription": "ECO GINECOLOGICA"},
        {"StudyDescription": "PELVIS, history of breast cancer"},
        {"StudyDescription": "Gynäkologie, Schwangerschaft ausgeschlossen"},
        {"ProtocolName": "GYN_EVPELVIS"},
        {"SeriesDescription": "Herzog, Uterus"},
    ],
)
def test_an_exam_of_the_pelvis_that_names_no_ovary_may_show_the_uterus(values: dict[str, Any]) -> None:
    """It is scored, with this flag and no other: the model knows no uterus, and cannot tell."""
    found = ask(**values)
    assert found.reason is None and len(found.flags) == 1 and "names no ovary" in found.flags[0]
    assert ask(**{**values, "RequestedProcedureDescription": "left ovary"}) == ExamFindings()


@pytest.mark.parametrize("type_", [10, 11, 12])
def test_a_trace_speaks_where_it_is_drawn_and_not_where_its_place_is_empty(type_: int) -> None:
    """A Philips CX50 declares the place of an ECG in an obstetric exam without one."""
    asked = header(
        SequenceOfUltrasoundRegions=[region(Box(0, 80, 100, 100), spatial_format=4, data_type=type_)]
    )
    empty, drawn = np.zeros((120, 100, 3), np.uint8), np.zeros((120, 100), np.uint8)
    drawn[90, :] = 200
    assert ask_header(asked, ExamOptions(), lambda: empty) == ExamFindings()
    assert len(ask_header(asked, ExamOptions(), lambda: drawn).refusals) == 1
    assert ask_header(asked, ExamOptions()) == ExamFindings()
    beyond = header(SequenceOfUltrasoundRegions=[region(Box(0, 300, 9, 400), data_type=type_)])
    assert ask_header(beyond, ExamOptions(), lambda: drawn) == ExamFindings()  # the image was cut
    del asked.SequenceOfUltrasoundRegions[0].RegionLocationMinX0
    assert ask_header(asked, ExamOptions(), lambda: empty).refusals  # in doubt it speaks


def test_the_frame_is_decoded_only_where_a_trace_is_declared() -> None:
    def fail() -> Any:
        raise AssertionError("decoded")

    tissue = header(PatientSex="M", SequenceOfUltrasoundRegions=[region(Box(0, 0, 90, 90))])
    assert ask_header(tissue, ExamOptions(), fail).refusals == ("a male patient",)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_can_be_made_to_refuse_to_flag_or_to_be_silent(rule: Any) -> None:
    speaking: dict[str, dict[str, Any]] = {
        "animal": {"PatientSpeciesDescription": "FELIS CATUS"},
        "male": {"PatientSex": "M"},
        "sex-other": {"PatientSex": "O"},
        "child": {"PatientAge": "002Y"},
        "heart-rate": {"HeartRate": "70"},
        "trace": {"SequenceOfUltrasoundRegions": [region(Box(0, 0, 9, 9), data_type=10)]},
        "r-wave": {"RWavePointer": 3},
        "trigger": {"TriggerTime": "12"},
        "stage": {"StageName": "REST"},
        "intravascular": {"Modality": "IVUS"},
        "modality": {"Modality": "XA"},
        "image-type": {"ImageType": ["ORIGINAL", "PRIMARY", "TTE"]},
        "image-type-doubtful": {"ImageType": ["ORIGINAL", "PRIMARY", "VASCULAR"]},
        "body-part": {"BodyPartExamined": "EYE"},
        "body-part-doubtful": {"BodyPartExamined": "LIVER"},
        "words": {"ProtocolName": "Carotid"},
        "pelvis": {"ImageType": ["ORIGINAL", "PRIMARY", "GYNECOLOGY"]},
    }
    made = header(**speaking[rule.name])
    lit = np.full((20, 20), 255, np.uint8)
    for action in Action:
        found = ask_header(made, ExamOptions({rule.name: action}), lambda: lit)
        counts = (len(found.refusals), len(found.doubts))
        assert counts == {Action.REFUSE: (1, 0), Action.FLAG: (0, 1), Action.OFF: (0, 0)}[action]
    assert set(speaking[rule.name]) <= set(rule.reads)
    assert len(speaking) == len(RULES)


def test_the_least_age_is_a_setting_and_none_asks_for_no_age() -> None:
    young = header(PatientAge="013Y")
    assert ask_header(young, ExamOptions(min_age_years=12)) == ExamFindings()
    assert ask_header(young, ExamOptions(min_age_years=0)) == ExamFindings()
    assert ask_header(young, ExamOptions(min_age_years=14)).refusals


@pytest.mark.parametrize("keyword", sorted({keyword for rule in RULES for keyword in rule.reads}))
def test_no_value_makes_a_rule_fail_or_shows_text_of_the_header(keyword: str) -> None:
    outside = "Doe^Jane \x1b[31m"
    item = header(CodeMeaning=outside, RegionDataType=10)
    for value in (
        None,
        "",
        outside,
        "9" * 500,
        "nan",
        "inf",
        [outside] * 3,
        b"\xff",
        Items([item]),
        3,
        -(2**70),
    ):
        made = Dataset()
        made.add_new(keyword, "UN", b"")
        made[keyword]._value = value  # as a damaged file may have it
        found = ask_header(made, ExamOptions(), lambda: np.zeros((4, 4), np.uint8))
        assert outside not in "".join((*found.refusals, *found.flags))
        assert "\x1b" not in "".join((*found.refusals, *found.flags))


def test_a_value_that_cannot_be_read_is_no_value() -> None:
    class Damaged(Dataset):
        def get(self, key: Any, default: Any = None) -> Any:
            raise NotImplementedError("Unknown Value Representation")

    assert read_texts(Damaged(), "PatientSex") == ()
    assert ask_header(Damaged(), ExamOptions()) == ExamFindings()


def test_what_is_made_for_tests_is_an_exam_of_an_ovary() -> None:
    instance = make_instance([make_frame(1).pixels])
    assert ask_header(instance, ExamOptions()) == ExamFindings()


def test_actions_are_read_from_a_setting() -> None:
    assert read_actions(("male:flag", "words:off"), "x") == {"male": Action.FLAG, "words": Action.OFF}
    for text, message in {
        "males:off": "'males' is unknown",
        "male": "must end in",
        "male:no": "must end in",
    }.items():
        with pytest.raises(SettingError, match=message):
            read_actions((text,), "edge.toml")
    with pytest.raises(SettingError, match="male is given twice"):
        read_actions(("male:off", "male:flag"), "edge.toml")
