"""What a stranger does over and over does not fill the log."""

import logging
import time

import pytest

from edge.processes.log import Flood


def _said(
    flood: Flood, text: str, *values: object, line: int = 1, level: int = logging.WARNING
) -> str | None:
    record = logging.LogRecord("edge", level, "edge/some.py", line, text, values, None)
    return record.getMessage() if flood.filter(record) else None


def test_of_a_flood_the_first_are_said_and_later_how_many_were_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    flood = Flood()
    said = [_said(flood, "aborted: %s", number) for number in range(1000)]
    assert said[0] == "aborted: 0" and [one for one in said if one] == said[:60]
    assert _said(flood, "another kind", line=2) == "another kind"
    assert _said(flood, "received %s", 1, level=logging.INFO) == "received 1"
    now = 60.0
    assert _said(flood, "aborted: %s", "x") == "aborted: x (and 940 more like it before)"
    assert _said(flood, "aborted: %s", "y") == "aborted: y"
