"""How often one account may ask."""

import pytest

from edge.sockets import pace
from edge.sockets.pace import Pace


def test_each_account_has_its_own_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: clock[0])
    limited = Pace(((2, 10.0), (3, 100.0)))
    assert [limited.refusal(1) for _ in range(2)] == ["", ""]
    clock[0] += 4
    assert limited.refusal(1) == "more than 2 requests of this account in 10 s. Ask again in 6 s."
    assert limited.refusal(2) == ""
    clock[0] += 6
    assert limited.refusal(1) == ""  # what was refused did not count
    clock[0] += 20
    assert limited.refusal(1) == "more than 3 requests of this account in 100 s. Ask again in 70 s."
    clock[0] += 70
    assert [limited.refusal(1) for _ in range(3)][:2] == ["", ""]
