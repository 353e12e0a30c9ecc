"""Clinical facts as a network reads them; what is unknown takes each of its values."""

import numpy as np
import pytest

from scanside.clinical import Centre, ClinicalRecord, MenopausalStatus, possible_inputs
from scanside.errors import BundleError

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
    with pytest.raises(BundleError, match="'CA125'; known are: menopausal_status"):
        possible_inputs(ClinicalRecord(), ("CA125",))
