"""The network runs once, for every case; what is known picks from them, exactly."""

from itertools import product

import numpy as np
import pytest

from scanside.assess.assessor import Assessor
from scanside.assess.cases import CaseRisk, narrowed
from scanside.dicom.instance import Instance
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus, known_facts, possible_cases

NAMES = ("menopausal_status", "oncology_centre")
CASES = [
    CaseRisk(case.facts, 0.1 * number, {"benign": 1 - 0.1 * number, "malignant": 0.1 * number})
    for number, case in enumerate(possible_cases(NAMES), 1)
]


def test_facts_that_come_later_give_the_very_risk_that_they_give_from_the_start(
    assessor: Assessor, instance: Instance
) -> None:
    cases = assessor.assess(instance).top.cases
    for status, centre in product(MenopausalStatus, Centre):
        record = ClinicalRecord(status, centre)
        given = assessor.assess(instance, record=record).top
        later = narrowed(cases, known_facts(record))
        assert (later.risk, later.risk_if) == (given.risk, given.risk_if)
        assert later.class_probabilities == given.class_probabilities
        assert later.highest == given.highest


def test_some_known() -> None:
    found = narrowed(CASES, {"menopausal_status": "postmenopausal"})
    assert (found.risk, found.unknown) == (None, ("centre",))
    assert found.risk_if == {"other centre": CASES[2].risk, "oncology centre": CASES[3].risk}
    assert found.class_probabilities["malignant"] == pytest.approx(0.35)
    assert found.facts == {"menopausal_status": "postmenopausal"}


def test_all_known_and_what_the_model_does_not_ask_for() -> None:
    known = {"menopausal_status": "premenopausal", "centre": "oncology centre", "parity": "2"}
    found = narrowed(CASES, known)
    assert (found.risk, found.risk_if, found.unknown) == (CASES[1].risk, {}, ())
    assert "parity" not in found.facts and len(found.facts) == 2


def test_a_model_that_asks_for_nothing() -> None:
    (case,) = possible_cases(())
    found = narrowed([CaseRisk(case.facts, 0.3, {"malignant": 0.3})], {"menopausal_status": "premenopausal"})
    assert (found.risk, found.facts) == (0.3, {})


def test_an_unknown_ca125_stays_open_whatever_else_is_known() -> None:
    cases = possible_cases(("ca125", "menopausal_status"))
    risks = [CaseRisk(case.facts, float(np.mean(case.inputs)), {"malignant": 0.0}) for case in cases]
    found = narrowed(risks, {"menopausal_status": "postmenopausal"})
    assert list(found.risk_if) == ["CA125 3.5 U/ml", "CA125 35 U/ml", "CA125 350 U/ml"]
    assert found.unknown == ("ca125_u_ml",)


def test_a_value_that_the_network_was_never_asked_about_is_no_risk() -> None:
    with pytest.raises(ValueError, match="no case fits"):
        narrowed(CASES, {"menopausal_status": "perimenopausal"})
