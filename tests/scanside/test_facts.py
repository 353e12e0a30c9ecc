"""Clinical facts as a network reads them; what is unknown takes each of its values."""

import numpy as np
import pytest

from scanside.errors import BundleError
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus, encode_ca125, possible_inputs

BOTH = ("menopausal_status", "oncology_centre")


def test_all_known_is_one_row() -> None:
    labels, rows = possible_inputs(ClinicalRecord(MenopausalStatus.POST, Centre.OTHER), BOTH)
    assert labels == ("",)
    assert rows.tolist() == [[1, 0]] and rows.dtype == np.float32


def test_order_is_the_bundles() -> None:
    _, rows = possible_inputs(ClinicalRecord(MenopausalStatus.POST, Centre.OTHER), BOTH[::-1])
    assert rows.tolist() == [[0, 1]]


def test_one_unknown() -> None:
    labels, rows = possible_inputs(ClinicalRecord(centre=Centre.ONCOLOGY), BOTH)
    assert dict(zip(labels, rows.tolist(), strict=True)) == {
        "premenopausal": [0, 1],
        "postmenopausal": [1, 1],
    }


def test_nothing_known() -> None:
    labels, rows = possible_inputs(ClinicalRecord(), BOTH)
    assert dict(zip(labels, rows.tolist(), strict=True)) == {
        "premenopausal, other centre": [0, 0],
        "premenopausal, oncology centre": [0, 1],
        "postmenopausal, other centre": [1, 0],
        "postmenopausal, oncology centre": [1, 1],
    }


def test_a_network_without_clinical_inputs() -> None:
    labels, rows = possible_inputs(ClinicalRecord(), ())
    assert labels == ("",) and rows.shape == (1, 0)


def test_a_fact_of_a_later_version() -> None:
    with pytest.raises(BundleError, match="'HE4'; known are: menopausal_status, oncology_centre, ca125"):
        possible_inputs(ClinicalRecord(), ("HE4",))


def test_ca125_doubled_is_a_tenth_more_up_to_both_ends() -> None:
    assert [encode_ca125(u_ml) for u_ml in (35, 70, 17.5)] == pytest.approx([0.5, 0.6, 0.4])
    assert [encode_ca125(u_ml) for u_ml in (1e-9, 0.9, 1200, 1e6)] == [0, 0, 1, 1]


def test_a_known_ca125_is_one_row() -> None:
    record = ClinicalRecord(MenopausalStatus.POST, Centre.OTHER, 140)
    labels, rows = possible_inputs(record, (*BOTH, "ca125"))
    assert labels == ("",)
    np.testing.assert_allclose(rows, [[1, 0, 0.7]])


def test_an_unknown_ca125_stands_at_its_references() -> None:
    labels, rows = possible_inputs(ClinicalRecord(centre=Centre.OTHER), ("ca125", *BOTH))
    assert labels[:2] == ("CA125 3.5 U/ml, premenopausal", "CA125 3.5 U/ml, postmenopausal")
    assert len(labels) == 6 and "CA125 350 U/ml, premenopausal" in labels
    at_cutoff = dict(zip(labels, rows.tolist(), strict=True))["CA125 35 U/ml, postmenopausal"]
    assert at_cutoff == [0.5, 1, 0]


@pytest.mark.parametrize("u_ml", [0.0, -1.0, float("nan"), float("inf"), 1e7])
def test_a_ca125_that_can_not_be(u_ml: float) -> None:
    with pytest.raises(ValueError, match="CA125 of"):
        ClinicalRecord(ca125_u_ml=u_ml)
