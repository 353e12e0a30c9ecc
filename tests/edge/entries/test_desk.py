"""What an entry does to rows, figures, journal and audit trail; and what becomes of it later."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.entries.arrivals import Arrivals
from edge.entries.finding import Found, ScanFound
from edge.entries.journal import NAME as JOURNAL
from edge.protocol.row import SCORED, Patient, Preview, Row
from edge.sockets.control import Control, ask
from edge.sockets.listening import socket_address
from edge.sockets.requests import answer
from edge.storage.custody import Custody
from edge.storage.entered import ASKED, CENTRE, FINAL_AFTER_S
from edge.storage.index import NAME
from edge.storage.intake import take
from edge.storage.purge import Wanted
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Store
from edge.trail.log import AuditLog, verify
from scanside.assess.cases import CaseRisk
from scanside.errors import ScansideError, SettingError
from scanside.facts import possible_cases
from tests.edge.storage.folder import CASES, Folder, days_ago

POST = {"fact": "menopausal_status", "value": "postmenopausal"}
PRE = {"fact": "menopausal_status", "value": "premenopausal"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Two slides of one study, one of another patient's."""
    made = Folder(tmp_path)
    made.add("a", "ID-1", "1.1", days_ago(3))
    made.add("b", "ID-1", "1.1", days_ago(2))
    made.add("c", "ID-2", "1.4", days_ago(1))
    yield made
    made.store.close()


def slide(name: str, **what: Any) -> dict[str, Any]:
    return {"instance": f"1.2.1.{name}", "frame": 1, **what}


def test_a_fact_reaches_its_study_and_no_other(folder: Folder) -> None:
    before = folder.study("1.1", "ID-1")
    assert (before["state"], before["why"]) == ("provisional", "menopausal status is unknown")
    assert before["risk"]["highest"] == 0.6 and before["risk"]["risk_if_unknown"]
    assert before["facts"]["menopausal_status"] == {"value": "unknown", "source": None, "used": True}
    entered = folder.enter("1.1", "ID-1", **PRE)
    assert [row.risk for row in entered.rows] == [0.2, 0.2]
    rows = folder.rows()
    assert (rows["a"]["risk"], rows["a"]["risk_if"], rows["a"]["above_threshold"]) == (0.2, {}, False)
    assert rows["a"]["facts"] == {"menopausal_status": "premenopausal"} and rows["a"]["superseded"]
    assert rows["a"]["class_probabilities"]["malignant"] == pytest.approx(0.2)
    assert rows["c"]["risk"] is None and not rows["c"]["superseded"]
    after = folder.study("1.1", "ID-1")
    assert (after["state"], after["why"], after["risk"]["highest"]) == ("final", None, 0.2)
    folder.add("d", "ID-1", "1.1", days_ago(0))  # what comes later stands on it from the start
    assert (folder.rows()["d"]["risk"], folder.rows()["d"]["superseded"]) == (0.2, False)
    folder.enter("1.1", "ID-1", fact="menopausal_status", value="unknown")
    assert folder.rows()["a"]["risk_if"] == {"premenopausal": 0.2, "postmenopausal": 0.6}
    assert folder.study("1.1", "ID-1")["facts"]["menopausal_status"]["source"] is None


def test_slides_are_assigned_left_out_and_disputed(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("a", side="left"))
    folder.enter("1.1", "ID-1", **slide("b", side="right"))
    folder.enter("1.1", "ID-1", **slide("b", disputed="a cyst"))
    study = folder.study("1.1", "ID-1")
    assert study["risk"]["slides"] == 2 and study["risk"]["disputed"] == 1 and study["digest"] == "b"
    assert study["risk"]["highest_slide"] == ["1.2.1.a", 1]
    assert {side: risk["slides"] for side, risk in study["sides"].items()} == {"left": 1, "right": 1}
    folder.enter("1.1", "ID-1", **slide("a", left_out=True, reason="the bladder"))
    study = folder.study("1.1", "ID-1")
    assert (study["risk"]["slides"], study["risk"]["left_out"]) == (1, 1) and set(study["sides"]) == {"right"}
    rows = folder.rows()
    assert (rows["a"]["side"], rows["a"]["left_out"], rows["a"]["disputed"]) == ("left", True, None)
    assert (rows["b"]["side"], rows["b"]["left_out"], rows["b"]["disputed"]) == ("right", False, "a cyst")
    folder.enter("1.1", "ID-1", **slide("a", left_out=False))
    folder.enter("1.1", "ID-1", **slide("b", disputed=None))
    folder.enter("1.1", "ID-1", **slide("b", side=None))
    study = folder.study("1.1", "ID-1")
    assert (study["risk"]["slides"], study["risk"]["disputed"], set(study["sides"])) == (2, 0, {"left"})


@pytest.mark.parametrize(
    ("study", "patient", "what", "why"),
    [
        ("1.9", "ID-1", POST, "no image of this study and this patient"),
        ("1.1", "ID-2", POST, "no image of this study and this patient"),
        ("1.1", "id-1", POST, "no image of this study and this patient"),
        ("1.1", "ID-1", slide("c", side="left"), "no such slide in this study"),
        ("1.1", "ID-1", {**slide("a", side="left"), "frame": 2}, "no such slide in this study"),
        ("1.1", "ID-1", slide("a", side="left", image="other"), "another image came"),
        ("1.1", "ID-1", slide("w", side="left"), "waits for its result"),
        ("1.1", "ID-1", slide("c", lesion=1), "no such slide in this study"),
        ("1.1", "ID-1", slide("a", lesion=1, image="other"), "another image came"),
        ("1.1", "ID-1", slide("w", lesion=1), "waits for its result"),
    ],
)
def test_nothing_is_entered_about_what_is_not_there(
    study: str, patient: str, what: dict[str, Any], why: str, folder: Folder
) -> None:
    folder.add("w", "ID-1", "1.1", days_ago(0), done=False)
    with pytest.raises(SettingError, match=why):
        folder.enter(study, patient, **what)
    assert not (folder.data / JOURNAL).exists() and not list(folder.data.glob("audit/*.jsonl"))


def test_a_study_of_two_patients_is_two_studies(folder: Folder) -> None:
    folder.add("d", "ID-9", "1.1", days_ago(1))
    folder.enter("1.1", "ID-1", **POST)
    assert folder.rows()["a"]["risk"] == 0.6 and folder.rows()["d"]["risk"] is None
    assert folder.study("1.1", "ID-9")["risk"]["slides"] == 1
    with pytest.raises(SettingError, match="several patient IDs"):
        folder.custody.desk.enter({"study": "1.1", "by": "Dr. Who", **PRE}, "who")
    folder.custody.desk.enter({"study": "1.4", "by": "Dr. Who", **PRE}, "who")
    assert folder.rows()["c"]["risk"] == 0.2


def test_entries_stay_with_the_patient_id_under_which_they_were_made(folder: Folder) -> None:
    """A corrected header takes the image to the other ID; what was entered has to be entered there again."""
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("a", left_out=True, reason="the bladder"))
    folder.enter("1.1", "ID-1", **slide("a", lesion=4))
    again(folder, "a2", "a", "ID-RIGHT", same_image=True)
    row = folder.rows()["a"]
    assert (row["risk"], row["left_out"], row["facts"], row["superseded"]) == (None, False, {}, True)
    assert (row["lesion"], row["left_out_reason"]) == (None, None)
    assert folder.study("1.1", "ID-RIGHT")["why"] == "menopausal status is unknown"
    assert folder.study("1.1", "ID-1")["risk"]["slides"] == 1
    again(folder, "a3", "a", "ID-1", same_image=True)  # and back: they are still there
    row = folder.rows()["a"]
    assert (row["risk"], row["left_out"]) == (0.6, True)
    assert (row["lesion"], row["left_out_reason"]) == (4, "the bladder")


def test_an_entry_about_a_slide_is_about_the_image_that_was_seen(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("a", left_out=True))
    folder.enter("1.1", "ID-1", **slide("a", lesion=1))
    again(folder, "a2", "a", "ID-1", same_image=False)
    row = folder.rows()["a"]
    assert row["lesion"] is None and folder.study("1.1", "ID-1")["lesions"] == {}
    assert (row["left_out"], row["risk"]) == (False, 0.6)  # a new image counts until somebody looked at it


def again(folder: Folder, file: str, name: str, patient: str, *, same_image: bool) -> None:
    """The instance `name` comes again in another file."""
    uid, received = f"1.2.1.{name}", days_ago(0)
    folder.spool.path(f"{file}.dcm").write_bytes(bytes(1000))
    take(folder.spool, folder.store, Spooled(f"{file}.dcm", uid, received))
    folder.store.expand(folder.receipt(f"{file}.dcm"), "1.1", Patient("NAME", patient), [1])
    if same_image:
        before = folder.store.previous(uid, 1)
        assert before is not None
        folder.store.finish(folder.receipt(f"{file}.dcm"), before, None, reused=True)
    else:
        folder.finish(f"{file}.dcm", uid, "1.1", received, "another image")


@pytest.mark.parametrize("lost", ["nothing", "the index", "an entry's second half", "an entry's line"])
def test_the_index_follows_the_journal_at_the_next_start(lost: str, folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **PRE)
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("b", lesion=2))
    folder.enter("1.1", "ID-1", **slide("a", left_out=True, reason="the bladder"))
    before = folder.rows()
    if lost == "an entry's second half":
        folder.store.enter([], list(folder.store.entries()))
        assert folder.rows()["a"]["risk"] is None
    folder.store.close()
    journal = folder.data / JOURNAL
    if lost == "the index":
        for path in folder.data.glob(f"{NAME}*"):
            path.unlink()
    if lost == "an entry's line":
        journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:3]))
    folder.store = Store(folder.data)
    folder.custody = Custody(
        folder.data, Spool(folder.data / "spool"), folder.store, AuditLog(folder.data, "A")
    )
    folder.custody.desk.catch_up()
    if lost == "the index":
        for name in "ab":
            row = before[name]
            folder.add(name, "ID-1", "1.1", row["received_at"])
    after = folder.rows()
    assert [after[name]["risk"] for name in "ab"] == [0.6, 0.6]
    assert [after[name]["left_out"] for name in "ab"] == [lost != "an entry's line", False]
    assert [after[name]["lesion"] for name in "ab"] == [None, 2]
    assert after["a"]["left_out_reason"] == (None if lost == "an entry's line" else "the bladder")


def test_slides_of_another_model_are_not_put_together(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    file = folder.add("d", "ID-1", "1.1", days_ago(0), done=False)
    row = folder.store.row("1.2.1.d", 1)
    assert row is not None and folder.study("1.1", "ID-1")["why"] == "1 image waits"
    found = Found(0.5, [ScanFound(CASES, [], "contour", 1.0, (0, 0, 9, 9))])
    folder.store.finish(
        folder.receipt(file), Row("1.2.1.d", 1, "1.1", state=SCORED, bundle_digest="new"), None, found
    )
    study = folder.study("1.1", "ID-1")
    assert (study["risk"], study["digest"], study["sides"]) == (None, None, {})
    assert (study["state"], study["why"]) == ("provisional", "slides were scored by different models")
    folder.enter("1.1", "ID-1", **slide("a", left_out=True))
    folder.enter("1.1", "ID-1", **slide("b", left_out=True))
    assert folder.study("1.1", "ID-1")["digest"] == "new"


def test_every_entry_is_in_the_audit_trail_and_no_value_is(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("a", disputed="SECRET cyst"))
    folder.enter("1.1", "ID-1", **slide("a", lesion=7))
    trail = [json.loads(line) for path in folder.data.glob("audit/*.jsonl") for line in path.open()]
    _, procedure, lesion = trail
    names = ("Patient Record", "Procedure Record", "Procedure Record")
    for message, name in zip(trail, names, strict=True):
        event = message["EventIdentification"]
        assert (event["EventID"]["originalText"], event["EventActionCode"]) == (name, "U")
        (person,) = message["ActiveParticipant"]
        assert (person["UserID"], person["AlternativeUserID"]) == ("Dr. Who", "who")
    about = [one["ParticipantObjectID"] for one in procedure["ParticipantObjectIdentification"]]
    assert about == ["1.1", "ID-1"] and "SECRET" not in json.dumps(trail) and "post" not in json.dumps(trail)
    assert "lesion, frame 1 of 1.2.1.a" in json.dumps(lesion)
    assert "7" not in json.dumps(lesion["ParticipantObjectIdentification"])
    assert verify(folder.data).faults == []


def test_a_journal_that_can_not_be_written_takes_no_entry(folder: Folder) -> None:
    (folder.data / JOURNAL).mkdir()
    with pytest.raises(ScansideError, match="not kept"):
        folder.enter("1.1", "ID-1", **POST)
    assert folder.rows()["a"]["risk"] is None and folder.store.entries() == {}


def test_while_the_journal_can_not_be_read_the_index_stays_as_it_is(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    desk, journal = folder.custody.desk, folder.data / JOURNAL
    journal.rename(folder.data / "kept")
    journal.mkdir()
    assert not desk.catch_up() and desk.behind and "can't be read" in desk.journal.faults[0]
    assert folder.rows()["a"]["risk"] == 0.6
    journal.rmdir()
    (folder.data / "kept").rename(journal)
    assert not desk.catch_up() and not desk.behind and desk.journal.faults == []


def test_the_centre_is_the_sites(tmp_path: Path) -> None:
    """Other settings at the next start reach every row."""
    folder = Folder(tmp_path)
    folder.add("a", "ID-1", "1.1", days_ago(1), done=False)
    both = possible_cases(("menopausal_status", "oncology_centre"))
    cases = [CaseRisk(case.facts, 0.1 * number, {}) for number, case in enumerate(both, 1)]
    found = Found(0.5, [ScanFound(cases, [], "contour", 1.0, (0, 0, 9, 9))])
    folder.store.finish(folder.receipt("a.dcm"), Row("1.2.1.a", 1, "1.1", state=SCORED), None, found)
    assert len(folder.rows()["a"]["risk_if"]) == 4
    site = {CENTRE: "oncology centre", ASKED: '["menopausal_status", "oncology_centre"]', FINAL_AFTER_S: "0"}
    folder.store.settle(site)
    assert folder.rows()["a"]["risk_if"] == {"premenopausal": 0.2, "postmenopausal": 0.4}
    folder.enter("1.1", "ID-1", **POST)
    study = folder.study("1.1", "ID-1")
    assert (study["risk"]["highest"], study["state"]) == (0.4, "final")
    assert study["facts"]["centre"] == {"value": "oncology centre", "source": "settings", "used": True}
    assert folder.rows()["a"]["facts"] == {"menopausal_status": "postmenopausal", "centre": "oncology centre"}
    folder.store.settle({**site, CENTRE: "unknown"})
    assert folder.study("1.1", "ID-1")["why"] == "the centre is unknown"
    folder.store.close()


def test_of_two_scans_the_one_with_the_higher_risk_under_the_facts_speaks(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.add("a", "ID-1", "1.1", days_ago(1), done=False)
    scans = [
        ScanFound(CASES, ["first"], "contour", 1.0, (0, 0, 9, 9), outline=[[[1, 1]]], removed=[]),
        ScanFound(
            [replace(case, risk=0.4) for case in CASES], [], "device table", 2.0, (9, 0, 18, 9),
            outline=[[[2, 2]]], removed=[[[3, 3]]],
        ),
    ]  # fmt: skip
    pictures = [Preview(b"first", 1, 1, []), Preview(b"second", 1, 1, [])]
    preview = Preview(b"frame", 1, 1, [[[1, 1]]])
    row = Row("1.2.1.a", 1, "1.1", state=SCORED)
    shown = folder.store.finish(folder.receipt("a.dcm"), row, preview, Found(0.5, scans), pictures)
    assert shown is not None and shown.flags == ("first",)
    assert shown.preview is not None and shown.preview.outline == (((1, 1),),)
    folder.enter("1.1", "ID-1", **PRE)
    after, prepared = folder.store.row("1.2.1.a", 1), folder.store.prepared("1.2.1.a", 1)[0]
    assert after is not None and (after.risk, after.found_by, after.flags) == (
        0.4,
        "device table",
        (),
    )
    assert after.preview and (after.preview.outline, after.preview.annotations) == (
        (((2, 2),),),
        (((3, 3),),),
    )
    assert prepared is not None and prepared.png == b"second"
    folder.enter("1.1", "ID-1", **POST)
    again = folder.store.row("1.2.1.a", 1)
    assert again is not None and again.preview and (again.risk, again.preview.outline) == (0.6, (((1, 1),),))
    folder.store.close()


def test_a_purge_reaches_what_was_entered(folder: Folder) -> None:
    folder.enter("1.1", "ID-1", **POST)
    folder.enter("1.1", "ID-1", **slide("a", disputed="SECRET"))
    folder.enter("1.1", "ID-1", **slide("a", lesion=1))
    folder.enter("1.1", "ID-1", **slide("b", left_out=True, reason="SECRET"))
    folder.enter("1.4", "ID-2", **PRE)
    with (folder.data / JOURNAL).open("ab") as stream:
        stream.write(b'{"patient": "ID-1", cut off')
    dry = folder.custody.purge(Wanted(patient="ID-1", study=None), "tester", dry=True)
    assert dry.entries == 5 and len(folder.store.entries()) == 5
    assert folder.custody.purge(Wanted(patient="ID-1", study=None), "tester") == dry
    folder.store.close()
    left = b"".join(path.read_bytes() for path in folder.data.glob("*") if path.is_file())
    assert b"ID-2" in left and b"ID-1" not in left and b"SECRET" not in left
    assert [json.loads(line)["patient"] for line in (folder.data / JOURNAL).open()] == ["ID-2"]


def test_retention_takes_entries_with_their_study_and_no_others(folder: Folder) -> None:
    folder.add("old", "ID-3", "1.5", days_ago(40))
    folder.enter("1.5", "ID-3", **POST)
    folder.enter("1.1", "ID-1", **POST)
    folder.custody.retain(30, 0)
    assert {key[0] for key in folder.store.entries()} == {"1.1"}
    assert "ID-3" not in (folder.data / JOURNAL).read_text()
    lines = (folder.data / JOURNAL).read_text()
    (folder.data / JOURNAL).write_text(lines.replace("ID-1", "ID-OLD") + lines)
    aged = json.loads(lines) | {"patient": "ID-OLD", "at": days_ago(40)}
    (folder.data / JOURNAL).write_text(json.dumps(aged) + "\n" + lines)
    waiting = folder.add("x", "", "", days_ago(0), done=False)  # of which nobody knows the study yet
    folder.custody.retain(30, 0)
    assert "ID-OLD" in (folder.data / JOURNAL).read_text()
    folder.store.remove([waiting])
    folder.custody.retain(30, 0)
    assert "ID-OLD" not in (folder.data / JOURNAL).read_text() and folder.rows()["a"]["risk"] == 0.6


@pytest.mark.parametrize(
    "sent",
    [
        b"\n",
        b"garbage\n",
        b"\xff\n",
        b"[" * 60_000 + b"\n",
        b"x" * 70_000,
        b"[]\n",
        b'{"do": ["enter"]}\n',
        b'{"do": "enter"}\n',
        b'{"do": "enter", "study": {"a": 1}, "patient": [], "by": 7, "fact": {}, "value": {}}\n',
    ],
    ids=lambda sent: repr(sent[:20]),
)
def test_what_is_no_request_is_refused_in_words(sent: bytes, folder: Folder) -> None:
    control = Control(folder.data, partial(answer, folder.custody))
    control.start()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(20)
        with socket_address(folder.data, "control.sock") as address:
            asking.connect(address)
        with contextlib.suppress(BrokenPipeError):  # it may hang up on what is too long
            asking.sendall(sent)
        said = json.loads(asking.makefile().readline())
    assert said["exit_code"] == 1 and len(said["error"]) > 10
    assert ask(folder.data, {"do": "enter", "study": "1.4", "by": "Dr. Who", **PRE}) is not None
    control.close()


def test_a_study_is_final_a_while_after_its_last_image() -> None:
    arrivals = Arrivals(0.3)
    early, late = ("1.1", "ID-1"), ("1.1", "ID-2")
    arrivals.came(early, ago_s=0.29)
    arrivals.came(late)
    assert arrivals.may_follow(late)
    time.sleep(0.05)
    assert not arrivals.may_follow(early) and arrivals.over() == [early] and arrivals.over() == []
    arrivals.came(early)
    time.sleep(0.4)
    assert arrivals.over() == [late, early] and not arrivals.may_follow(late)
