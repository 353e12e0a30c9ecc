"""`edge results`: by patient and study, with filters, whole UIDs, and each new result as it comes."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edge.commands.results import read_time, show
from edge.protocol.json import from_builtins
from edge.protocol.row import SCORED, Acquisition, Patient, PatientRow, Row, now
from edge.storage.spool import Spooled
from edge.storage.store import NAME, Store
from scanside.errors import SettingError
from tests.edge.running import edge

STUDIES = {"1.2.840.113619.2.55.3.604688119.969": "42", "1.2.826.0.1.3680043.8.498.7": "43"}


def add(store: Store, number: int, study: str, patient: str, at: str = "2026-11-30T10:00:00") -> Row:
    """An image with its result, received `number` seconds after `at`."""
    received = f"{datetime.fromisoformat(at) + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}.000000+00:00"
    uid = f"1.2.826.0.1.3680043.8.498.91090453167914497884838076900602842{number:03}"
    spooled = Spooled(f"{number}.dcm", uid, received, source="US1 at 10.0.0.9")
    receipt = store.add(spooled).receipt
    who = Patient(f"DOE^JANE{patient}", patient)
    acquired = Acquisition("2026-11-30", "09:58:00", "2026-11-30T10:01:00", "ACC-9", "ROOM 3")
    store.expand(receipt, study, who, [1], acquired)
    row = Row(
        uid, 1, study, state=SCORED, received_at=received, source="US1 at 10.0.0.9", threshold=0.38,
        assessed_at=now(),
        risk=0.379999, above_threshold=False, **vars(acquired),
    )  # fmt: skip
    store.finish(receipt, row, None)
    return row


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Two patients' studies, four images each; the second patient's came a day later, in between one more."""
    store = Store(tmp_path)
    (one, first), (other, second) = STUDIES.items()
    for number in range(4):
        add(store, number, one, first)
        add(store, 100 + number, other, second, "2026-12-01T10:00:00")
    store.close()
    yield tmp_path


def listed(data: Path, *options: str) -> list[dict[str, Any]]:
    done = edge("results", "--data", data, "--json", *options)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_lines_stand_under_their_patient_and_study_with_whole_uids(data: Path) -> None:
    lines = edge("results", "--data", data).stdout.splitlines()
    headings = [line for line in lines if line and not line.startswith(" ")][1:]
    assert len(headings) == 2
    for heading, (study, patient) in zip(headings, STUDIES.items(), strict=True):
        assert heading == (
            f"DOE JANE{patient}, ID {patient}, study {study}, exam 2026-11-30 09:58:00, accession ACC-9, "
            "from US1 at 10.0.0.9"
        )
    slides = [line for line in lines if line.startswith("  ")]
    assert len(slides) == 8
    assert all(re.search(r"  1\.2\.826\.[\d.]{50,}$", line) for line in slides)
    assert all("37.9999 %  below the threshold" in line for line in slides)
    assert all(re.match(r"  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d  slide \d", line) for line in slides)


def test_studies_say_who_and_when_and_nothing_found_is_said(data: Path) -> None:
    lines = edge("results", "--data", data, "--studies").stdout.splitlines()
    (study, patient), *_ = STUDIES.items()
    who = f"DOE JANE{patient}, ID {patient}, study {study}, exam 2026-11-30 09:58:00, accession ACC-9"
    assert lines[1].startswith(f"{who}, from US1 at 10.0.0.9: ")
    for options in ([], ["--studies"]):
        assert edge("results", "--data", data, "--since", "2030-01-01", *options).stdout.endswith(
            "No results.\n"
        )


def test_slides_of_a_study_stand_under_the_scanner_that_sent_them(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = listed(data, "--patient", "42")[:2]
    rows = [first | {"scanner": "room 1"}, second | {"scanner": "room 2"}]
    show(from_builtins(rows, list[PatientRow]), as_json=False)
    headings = [line for line in capsys.readouterr().out.splitlines() if "ACC-9" in line]
    assert [heading.rpartition(", ")[2] for heading in headings] == [
        "from room 1 (US1 at 10.0.0.9)",
        "from room 2 (US1 at 10.0.0.9)",
    ]


def test_a_reason_that_ends_in_a_point_gets_no_second_one(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = listed(data)[0] | {"state": "not_scored", "risk": None, "reason": "Export it in another way."}
    show([from_builtins(row, PatientRow)], as_json=False)
    assert "not scored: Export it in another way.  " in capsys.readouterr().out


def test_programs_get_patient_accession_scanner_and_times(data: Path) -> None:
    row = listed(data)[0]
    assert (row["patient_id"], row["patient_name"], row["accession_number"]) == ("42", "DOE^JANE42", "ACC-9")
    assert (row["source"], row["acquired_at"]) == ("US1 at 10.0.0.9", "2026-11-30T10:01:00")


def test_filters_choose_and_add_up(data: Path) -> None:
    study = next(iter(STUDIES))
    assert {row["patient_id"] for row in listed(data, "--study", study)} == {"42"}
    assert {row["study_instance_uid"] for row in listed(data, "--patient", "42")} == {study}
    assert len(listed(data, "--last", "3")) == 3
    assert {row["patient_id"] for row in listed(data, "--last", "3")} == {"43"}
    assert len(listed(data, "--patient", "42", "--last", "3")) == 3
    assert {row["patient_id"] for row in listed(data, "--since", "2026-12-01T00:00:00+00:00")} == {"43"}
    assert listed(data, "--since", "2030-01-01") == []
    studies = json.loads(edge("results", "--data", data, "--studies", "--patient", "43", "--json").stdout)
    assert [one["patient_id"] for one in studies] == ["43"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--patient", "4"], "no results of patient 4. Check the spelling."),
        (["--study", "1.9", "--studies"], "no results of study 1.9. Check the spelling."),
        (["--since", "yesterday"], "option --since: 'yesterday' is no time"),
        (["--since", "9999999h"], "is no time"),
        (["--last", "0"], "option --last: 0"),
        (["--follow", "--studies"], "--follow tells slides, not studies"),
    ],
)
def test_what_names_nothing_is_an_error(options: list[str], message: str, data: Path) -> None:
    done = edge("results", "--data", data, *options)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_times_are_local_and_may_be_counted_back() -> None:
    now = datetime(2026, 12, 1, 15, 0).astimezone()
    assert read_time("30m", now) == now - timedelta(minutes=30)
    assert read_time("3d", now) == now - timedelta(days=3)
    assert read_time("2026-11-30", now) == datetime(2026, 11, 30).astimezone()
    with pytest.raises(SettingError):
        read_time("30 minutes", now)


@contextlib.contextmanager
def following(data: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """The rows that `edge results --follow` prints, from the newest on; Ctrl-C ends it."""
    command = [sys.executable, "-m", "edge.cli", "results", "--data", str(data), "--follow", "--json"]
    with subprocess.Popen([*command, "--last", "1"], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        try:
            yield map(json.loads, reader.stdout)
            os.kill(reader.pid, signal.SIGINT)
            assert reader.wait(60) == 0
        finally:
            reader.kill()


def test_new_results_follow_until_ctrl_c(data: Path) -> None:
    with following(data) as rows:
        assert next(rows)["patient_id"] == "43"
        store = Store(data)
        row = add(store, 200, "1.2.3", "44", "2026-12-01T11:00:00")
        store.close()
        line = next(rows)
        assert (line["sop_instance_uid"], line["patient_id"]) == (row.sop_instance_uid, "44")


def test_a_result_follows_again_once_an_entry_changed_it(data: Path) -> None:
    (study, _), instance = STUDIES, listed(data)[0]["sop_instance_uid"]
    (data / "spool").mkdir()
    with contextlib.closing(sqlite3.connect(data / NAME)) as db, db:  # it was scored two days ago
        db.execute("UPDATE frames SET row = json_set(row, '$.assessed_at', '2026-11-29T10:00:00+00:00')")
    with following(data) as rows:
        assert next(rows)["patient_id"] == "43"
        done = edge("enter", "--data", data, "--study", study, "side", instance, "left")
        assert done.returncode == 0, done.stderr
        line = next(rows)
        assert (line["sop_instance_uid"], line["side"]) == (instance, "left")
