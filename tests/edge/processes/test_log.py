"""What a stranger does over and over does not fill the log."""

import logging
import subprocess
import sys
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


def test_what_pydicom_cites_of_a_header_is_not_said() -> None:
    """pydicom sets the level of its logger itself, when it is imported after the log was set up."""
    code = (
        "from edge.processes.log import log_to_stderr; log_to_stderr()\n"
        "from pydicom import config; from pydicom.valuerep import validate_value\n"
        "validate_value('UI', 'DOE^JANE', config.WARN)\n"
        "import logging; logging.getLogger('edge').warning('our own')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "DOE" not in done.stderr and done.stderr.endswith("WARNING our own\n")
