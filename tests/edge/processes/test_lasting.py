"""A fault that lasts does not fill the log, and its end is said."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from edge.monitor.condition import Health
from edge.processes.lasting import Lasting
from edge.scoring import loop
from edge.scoring.queue import JobQueue


def test_it_is_said_once_then_rarely_when_it_changes_and_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lasting = Lasting(logging.getLogger("edge"), "can't write", quiet_s=60)
    lasting.passed()
    for _ in range(600):  # twenty minutes, and two faults in turn are one fault
        lasting.met("full")
        lasting.met("read-only")
        lasting.passed()
        now += 2
    assert caplog.messages == [
        "can't write: full",
        "can't write: read-only (1 times since this was last said)",
        "can't write: full (599 times since this was last said)",
    ]
    now += 60
    lasting.passed()
    lasting.passed()
    lasting.met("full")
    assert caplog.messages[3:] == ["over: can't write (1200 times)", "can't write: full"]


def test_results_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loop, "_STORE_RETRY_S", 0.001)
    unused: Any = None
    scoring = loop.Scoring(JobQueue(), unused, unused, Health("T", "h"), 5, unused, unused)
    db = sqlite3.connect(tmp_path / "db")
    db.execute("CREATE TABLE t (x)")
    db.execute("PRAGMA max_page_count = 2")
    tries = 0

    def change() -> str:
        nonlocal tries
        tries += 1
        if tries == 30:
            db.execute("PRAGMA max_page_count = 1000")  # room again
        with db:
            db.execute("INSERT INTO t VALUES (zeroblob(50000))")
        return "done"

    assert scoring._stored(change) == "done"
    assert caplog.messages == [
        "results can't be stored: database or disk is full",
        "over: results can't be stored (29 times)",
    ]
