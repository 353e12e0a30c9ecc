"""What leaves the data folder: by a person's order, by age, by size; and who may read what lies there."""

import json
import os
import sqlite3
import stat
from pathlib import Path

import pydicom
import pytest

from edge.protocol.row import SCORED
from edge.storage.aside import Note
from edge.storage.purge import Wanted
from edge.storage.store import NAME, Store
from tests.edge.conftest import MakeImage
from tests.edge.running import RunningAgent, edge, wait_for
from tests.edge.storage.folder import Folder, days_ago


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_a_patient_is_purged_from_everywhere_and_nobody_else(folder: Folder) -> None:
    folder.add("a", "WRONG-ID", "1.1", days_ago(3), uid="1.2.3")
    folder.add("b", "ID-1", "1.1", days_ago(2), uid="1.2.3")  # corrected: a is put aside
    folder.add("c", "ID-1", "1.2", days_ago(1))
    folder.quarantine(folder.add("d", "ID-1", "1.3", days_ago(1), done=False))
    folder.add("e", "ID-2", "1.4", days_ago(1))
    folder.add("f", "ID-1", "1.5", days_ago(0), done=False)
    aside = folder.data / f"{NAME}.until-20260101T000000Z"
    aside.write_bytes(b"ID-1")
    assert folder.files() == {"replaced/a.dcm", "b.dcm", "c.dcm", "quarantine/d.dcm", "e.dcm", "f.dcm"}
    dry = folder.custody.purge(Wanted(patient="ID-1"), "tester", dry=True)
    assert len(folder.files()) == 6 and aside.exists()
    removed = folder.custody.purge(Wanted(patient="ID-1"), "tester")
    assert removed == dry
    assert (removed.instances, removed.replaced, removed.quarantined, removed.indexes) == (3, 1, 1, 1)
    assert folder.files() == {"e.dcm"} and not aside.exists()
    assert [one.patient_id for one in folder.store.instances()] == ["ID-2"]
    folder.store.close()
    on_disk = b"".join(path.read_bytes() for path in folder.data.glob(f"{NAME}*"))
    assert b"ID-2" in on_disk and b"ID-1" not in on_disk and b"WRONG-ID" not in on_disk
    trail = [json.loads(line) for path in folder.data.glob("audit/*.jsonl") for line in path.open()]
    assert len(trail) == 5  # one for each study and patient
    assert all(one["ActiveParticipant"][0]["UserID"] == "tester" for one in trail)
    assert "NAME" not in json.dumps(trail)


def test_a_wrong_identity_is_purged_where_it_was_replaced(folder: Folder) -> None:
    folder.add("a", "WRONG-ID", "1.1", days_ago(3), uid="1.2.3")
    folder.add("b", "ID-1", "1.1", days_ago(2), uid="1.2.3")
    removed = folder.custody.purge(Wanted(patient="WRONG-ID"), "tester")
    assert (removed.instances, removed.replaced) == (0, 1)
    assert folder.files() == {"b.dcm"}


def test_a_study_is_purged_and_what_nobody_knows_is_said(folder: Folder) -> None:
    folder.add("a", "ID-1", "1.1", days_ago(3))
    folder.add("b", "ID-1", "1.2", days_ago(2))
    (folder.spool.folder / "c.dcm").write_bytes(b"unknown")
    folder.spool.quarantine.put(Note("c.dcm", "1.9", days_ago(1), reason="header not read"))
    removed = folder.custody.purge(Wanted(study="1.1"), "tester")
    assert (removed.instances, removed.unreadable) == (1, ("spool/quarantine/c.dcm",))
    assert folder.files() == {"b.dcm", "quarantine/c.dcm"}


def test_by_age_whole_finished_studies_go(folder: Folder) -> None:
    folder.add("a", "ID-1", "1.1", days_ago(40))
    folder.add("b", "ID-1", "1.2", days_ago(40))
    folder.add("c", "ID-1", "1.2", days_ago(1))  # the same study goes on
    folder.add("d", "ID-2", "1.3", days_ago(40), done=False)
    folder.quarantine(folder.add("e", "ID-3", "1.4", days_ago(40), done=False))
    folder.quarantine(folder.add("f", "ID-3", "1.5", days_ago(1), done=False))
    folder.add("g", "ID-4", "1.6", days_ago(40), uid="1.2.3")
    folder.add("h", "ID-4", "1.6", days_ago(1), uid="1.2.3")  # g is put aside
    assert folder.custody.retain(0, 0) == 0 and len(folder.files()) == 8
    folder.custody.retain(30, 0)
    assert folder.files() == {"b.dcm", "c.dcm", "d.dcm", "quarantine/f.dcm", "h.dcm"}
    assert folder.custody.retain(30, 0) == 0


def test_by_size_earlier_versions_go_first_then_the_oldest(folder: Folder) -> None:
    folder.add("a", "ID-1", "1.1", days_ago(9), done=False)
    for number, name in enumerate("bcde"):
        folder.add(name, "ID-1", f"1.2.{number}", days_ago(8 - number))
    folder.quarantine(folder.add("f", "ID-2", "1.3", days_ago(9), done=False))
    folder.add("g", "ID-4", "1.6", days_ago(3), uid="1.2.3")
    folder.add("h", "ID-4", "1.6", days_ago(2), uid="1.2.3")
    assert folder.custody.retain(0, 8000 / 1e9) == 0
    folder.custody.retain(0, 7000 / 1e9)
    assert folder.files() == {"a.dcm", "b.dcm", "c.dcm", "d.dcm", "e.dcm", "quarantine/f.dcm", "h.dcm"}
    folder.custody.retain(0, 5000 / 1e9)
    assert folder.files() == {"a.dcm", "d.dcm", "e.dcm", "quarantine/f.dcm", "h.dcm"}
    folder.custody.retain(0, 1 / 1e9)  # what is pending or in quarantine stays, however little room there is
    assert folder.files() == {"a.dcm", "quarantine/f.dcm"}


def test_purge_while_the_agent_runs_asks_it(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    kept, gone = pydicom.dcmread(image(1)), pydicom.dcmread(image(2))
    gone.PatientID = "GO;'DROP TABLE"
    gone.save_as(tmp_path / "gone.dcm")
    kept.save_as(tmp_path / "kept.dcm")
    agent.send(tmp_path / "kept.dcm", tmp_path / "gone.dcm")
    agent.results(2)
    asked = edge("purge", "--patient", gone.PatientID, "--data", agent.data)
    assert asked.returncode == 1 and "To be removed: 1 instances" in asked.stderr and "--yes" in asked.stderr
    assert len(agent.results()) == 2
    done = edge("purge", "--patient", gone.PatientID, "--data", agent.data, "--yes", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["instances"] == 1
    assert [row["sop_instance_uid"] for row in agent.results()] == [kept.SOPInstanceUID]
    assert len(list((agent.data / "spool").glob("*.dcm"))) == 1
    mistyped = edge("purge", "--study", "1.2.3", "--data", agent.data, "--yes")
    assert (
        mistyped.returncode == 1 and "nothing is kept of study 1.2.3: 1 files were looked" in mistyped.stderr
    )
    assert "GO;" not in agent.log and agent.health()["state"] == "ready"
    assert agent.stop() == 0
    done = edge("purge", "--study", kept.StudyInstanceUID, "--data", agent.data, "--yes")
    assert done.returncode == 0 and agent.results() == []
    agent.start()
    agent.send(tmp_path / "kept.dcm")  # it may come back by being sent
    assert [row["state"] for row in agent.results(1)] == [SCORED]


def test_everything_written_is_for_the_agents_user_alone(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    path = image(1)
    first = pydicom.dcmread(path)
    agent.send(path)
    agent.results(1)
    first.PatientID = "OTHER"
    first.save_as(tmp_path / "second.dcm")
    agent.send(tmp_path / "second.dcm")
    wait_for(lambda: list((agent.data / "spool" / "replaced").glob("*.dcm")), "the earlier version")
    paths = [agent.data, *agent.data.rglob("*")]
    names = {path.name for path in paths}
    assert {"spool", "replaced", "quarantine", "audit", "control.sock", "watch.sock", NAME, "lock"} <= names
    for path in paths:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path.relative_to(agent.data)}: {mode:o}"
        assert path.lstat().st_uid == os.getuid()


def test_the_store_overwrites_what_it_deletes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store._db.execute("PRAGMA secure_delete").fetchone() == (1,)
    store.close()
    assert sqlite3.connect(tmp_path / NAME).execute("PRAGMA integrity_check").fetchone() == ("ok",)
