"""The journal of entries: nothing that was answered is lost, and nothing strange is taken from it."""

import json
import os
import resource
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edge.entries.entry import Entry, entry_of, requested
from edge.entries.journal import NAME, Journal
from scanside.errors import SettingError

STUDY = {"do": "enter", "study": "1.2", "patient": "ID-1", "by": "Dr. Jo Élan"}
SLIDE = {**STUDY, "instance": "1.2.3", "frame": 1}
FACT = {**STUDY, "fact": "menopausal_status", "value": "postmenopausal"}
GOOD: list[dict[str, Any]] = [
    FACT,
    {**FACT, "value": "unknown", "patient": ""},
    {**FACT, "patient": "\x1b[31m\x00'; DROP TABLE\n"},  # a header may say so: it is a name, not a text
    {**SLIDE, "side": "left"},
    {**SLIDE, "side": None},
    {**SLIDE, "lesion": 1},
    {**SLIDE, "lesion": 9, "image": "ab" * 32},
    {**SLIDE, "lesion": None},
    {**SLIDE, "left_out": True, "reason": "wrong ovary"},
    {**SLIDE, "left_out": False, "reason": None},
    {**SLIDE, "disputed": "x" * 500},
    {**SLIDE, "disputed": None, "image": "ab" * 32},
]
BAD: list[Any] = [
    STUDY,
    {**FACT, "side": "left"},
    {**FACT, "value": "perimenopausal"},
    {**FACT, "value": ["postmenopausal"]},
    {**FACT, "fact": "centre", "value": "oncology centre"},
    {**FACT, "fact": ["menopausal_status"]},
    {**FACT, "instance": "1.2.3", "frame": 1},
    {**FACT, "study": ""},
    {**FACT, "study": 7},
    {**FACT, "study": "x" * 1025},
    {**FACT, "patient": None},
    {**FACT, "patient": "\ud800"},
    {**FACT, "by": ""},
    {**FACT, "by": "  "},
    {**FACT, "by": "x" * 65},
    {**FACT, "by": "Dr.\x1b[2J"},
    {**FACT, "by": "\u202eoJ"},
    {**FACT, "at": "2026-01-01T00:00:00+00:00"},
    {**FACT, "account": "root"},
    {**FACT, "colour": "blue"},
    {**FACT, "reason": "why not"},
    {**SLIDE, "side": "middle"},
    {**SLIDE, "side": 1},
    {**SLIDE, "side": "left", "frame": 0},
    {**SLIDE, "side": "left", "frame": True},
    {**SLIDE, "side": "left", "frame": 1.0},
    {**SLIDE, "side": "left", "frame": 2**40},
    {**SLIDE, "side": "left", "instance": ""},
    {**SLIDE, "side": "left", "image": 7},
    *({**SLIDE, "lesion": lesion} for lesion in (0, 10, -1, 1.0, True, "1", [1], {}, 2**70, float("nan"))),
    {**SLIDE, "lesion": 1, "side": "left"},
    {**SLIDE, "lesion": 1, "reason": "why"},
    {**SLIDE, "lesion": 1, "instance": ""},
    {**STUDY, "lesion": 1},
    {**SLIDE, "left_out": 1},
    {**SLIDE, "left_out": None},
    {**SLIDE, "left_out": True, "reason": ""},
    {**SLIDE, "left_out": True, "reason": "a\nb"},
    {**SLIDE, "disputed": ""},
    {**SLIDE, "disputed": "x" * 501},
    {**SLIDE, "disputed": "bell\x07"},
    {**SLIDE, "disputed": "\u2066hidden"},
    {**SLIDE, "disputed": True},
]


OLD = (
    '{"study": "1.2", "patient": "ID-1", "by": "anna", "what": "side", "value": "left", '
    '"at": "2026-03-01T09:00:00.000000+00:00", "instance": "1.2.3", "frame": 1, "reason": null, '
    '"image": null, "account": "anna"}\n'
)  # a line that the agent wrote before there were lesions


def test_a_journal_of_before_is_read_and_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.path.write_text(OLD)
    journal.append(requested({**SLIDE, "lesion": 2}, "somebody"))
    assert [(one.what, one.value) for one in journal.read()] == [("side", "left"), ("lesion", 2)]
    assert journal.faults == [] and journal.path.read_text().startswith(OLD)
    assert journal.remove(lambda one: one.what == "lesion") == 1 and journal.path.read_text() == OLD


def entry(number: int = 1, patient: str = "ID-1") -> Entry:
    return requested({**SLIDE, "disputed": f"reason {number}", "patient": patient}, "somebody")


@pytest.mark.parametrize("request_", GOOD)
def test_an_entry_is_the_same_from_a_request_and_from_a_line(request_: dict[str, Any]) -> None:
    made = requested(request_, "somebody")
    assert entry_of(json.loads(json.dumps(asdict(made)))) == made
    assert made.account == "somebody" and made.by == "Dr. Jo Élan"


@pytest.mark.parametrize("request_", BAD)
def test_what_is_no_entry_is_refused_with_a_reason(request_: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"\w{3}"):
        requested(request_, "somebody")


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"null", b"[1]", b'"x"', b"[" * 100_000, b"\xff\xfe", b"{" * 9, b"NaN", b'{"study": 1}'],
)
def test_lines_that_are_no_entries_are_named_and_left_alone(line: bytes, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry(1))
    with journal.path.open("ab") as stream:
        stream.write(line + b"\n")
    journal.append(entry(2))
    assert [one.value for one in journal.read()] == ["reason 1", "reason 2"]
    assert journal.faults == [f"{NAME}, line 2: no entry; it was cut off or altered"]
    assert journal.remove(lambda one: one.value == "reason 1") == 1
    assert line + b"\n" in journal.path.read_bytes() and len(journal.faults) == 1
    assert journal.remove(lambda _: False, unreadable=True) == 1
    assert [one.value for one in journal.read()] == ["reason 2"] and journal.faults == []


def test_a_line_cut_off_at_any_byte_costs_itself_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry(1))
    length = journal.path.stat().st_size
    journal.append(entry(2))
    whole = journal.path.read_bytes()
    for end in range(length + 1, len(whole) - 1):
        journal.path.write_bytes(whole[:end])
        assert [one.value for one in journal.read()] == ["reason 1"] and len(journal.faults) == 1
        journal.append(entry(3))
        assert [one.value for one in journal.read()] == ["reason 1", "reason 3"]


def test_a_full_disk_leaves_nothing_of_an_entry(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry(1))
    before = journal.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, hard))
    try:
        with pytest.raises(OSError):
            journal.append(entry(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.path.read_bytes() == before
    journal.append(entry(3))
    assert [one.value for one in journal.read()] == ["reason 1", "reason 3"] and journal.faults == []


def test_a_rewriting_that_was_cut_off_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(entry(1))
    part = journal.path.with_suffix(".part")
    part.write_bytes(b"ID-1")
    assert [one.value for one in Journal(tmp_path).read()] == ["reason 1"] and not part.exists()
    assert oct(journal.path.stat().st_mode & 0o777) == "0o600" and journal.path.stat().st_uid == os.getuid()


@pytest.mark.parametrize("after_s", [0.02, 0.05, 0.11, 0.2])
def test_what_was_answered_outlasts_a_kill_at_any_moment(after_s: float, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for number in range(10_000):
            journal.append(entry(number))
            os.write(writing, f"reason {number}\n".encode())
        os._exit(0)
    os.close(writing)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        answered = stream.read().splitlines()
    kept = [one.value for one in journal.read()]
    assert kept[: len(answered)] == answered and len(kept) <= len(answered) + 1
    assert len(journal.faults) <= 1
    journal.append(entry(0))
    assert [one.value for one in journal.read()] == [*kept, "reason 0"]
