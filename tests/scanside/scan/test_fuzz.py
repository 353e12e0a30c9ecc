"""Spoilt files give scans or a reason, never anything else; benchmarks/fuzz.py tries many more."""

from tests.synth.fuzz import fuzz

CASES = 400


def test_spoilt_files_give_a_reason() -> None:
    outcomes, findings, peak_kib = fuzz(0, CASES)
    assert findings == {}
    assert sum(outcomes.values()) == CASES and {"scans", "Unreadable", "NoTissue"} <= set(outcomes)
    assert peak_kib < 512 * 1024
