"""Images that take the worker down three times wait for a person, through restarts and lost indexes."""

import json
from pathlib import Path

import pytest

from edge.protocol.row import FAILED, PENDING, SCORED, Patient, Row
from edge.scoring.jobs import Job, Priority
from edge.scoring.worker import Worker, WorkerLost
from edge.storage.aside import Aside, Note
from edge.storage.spool import Spooled
from edge.storage.store import NAME, Store
from scanside.model.bundle import load_bundle
from scanside.runtime.preference import RuntimeOptions
from tests.edge.conftest import HangOn, MakeImage, StartAgent
from tests.edge.running import edge, wait_for

PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc (Linux)")


@PROC
def test_three_times_across_restarts_then_quarantine_then_what_a_person_decides(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path, hang_on: HangOn
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("worker_timeout_s = 1\n")
    agent = start_agent("--config", str(config))
    good = image(1)
    agent.send(good)
    (scored,) = agent.results(1)
    uid = scored["sop_instance_uid"]
    (file,) = (agent.data / "spool").glob("*.dcm")

    assert agent.stop() == 0
    store = Store(agent.data)
    assert [store.attempt(file.name), store.attempt(file.name)] == [1, 2]  # in the life of agents before
    store._db.execute("UPDATE frames SET state = ?, row = json_set(row, '$.state', ?)", (PENDING, PENDING))
    store._db.commit()
    store.close()
    hang_on(file.name)  # so the worker is replaced once more
    agent.start()
    wait_for(lambda: "in quarantine" in str(agent.results()[0]["reason"]), f"quarantine; log:\n{agent.log}")
    (row,) = agent.results(1)
    assert row["state"] == FAILED and "no answer within 1 s, 3 times" in row["reason"]
    assert agent.log.count("attempt 3 of 3") == 1 and "attempt 1 of 3" not in agent.log
    put_away = agent.data / "spool" / "quarantine" / file.name
    assert put_away.exists() and not file.exists()
    assert "1 instances in quarantine" in agent.status()["warnings"][0]

    listed = edge("quarantine", "list", "--data", agent.data)
    assert listed.returncode == 0 and uid in listed.stdout and "1 in quarantine" in listed.stdout
    (shown,) = json.loads(edge("quarantine", "list", "--data", agent.data, "--json").stdout)
    assert shown["sop_instance_uid"] == uid and shown["file"] == file.name
    for wrong in ("1.2.3", "../" + file.name, ""):
        done = edge("quarantine", "retry", wrong, "--data", agent.data)
        assert done.returncode == 1 and "no instance in quarantine" in done.stderr

    agent.send(good)  # sent again it stays there, and is acknowledged
    assert edge("quarantine", "show", uid, "--data", agent.data).returncode == 0

    assert agent.stop() == 0
    for part in agent.data.glob(f"{NAME}*"):
        part.unlink()
    hang_on("")
    agent.start()  # its index made anew from the spool
    (row,) = agent.results(1)
    assert row["state"] == FAILED and "3 times" in row["reason"]
    assert not (agent.data / "spool" / file.name).exists()

    assert edge("quarantine", "retry", uid, "--data", agent.data).returncode == 0
    assert wait_for(lambda: agent.results()[0]["state"] == SCORED, "its result")
    assert agent.results(1)[0]["risk"] == scored["risk"]
    assert list((agent.data / "spool" / "quarantine").iterdir()) == []


def test_dropped_is_gone_and_the_agent_need_not_run(tmp_path: Path, image: MakeImage) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "abc.dcm").write_bytes(image(1).read_bytes())
    store = Store(tmp_path)
    aside = Aside(spool, "quarantine")
    aside.put(Note("abc.dcm", "1.2.3", "2026-01-01T00:00:00.000000+00:00", "1.2", "ID", "crashed"))
    store.close()
    done = edge("quarantine", "drop", "abc", "--data", tmp_path, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["patient_id"] == "ID"
    assert list(spool.rglob("abc*")) == []
    trail = "".join(path.read_text() for path in (tmp_path / "audit").glob("*.jsonl"))
    assert "DICOM Study Deleted" in trail and '"1.2"' in trail


@PROC
def test_a_worker_that_grows_beyond_its_memory_is_ended(
    tmp_path: Path, bundle: Path, image: MakeImage
) -> None:
    import numpy as np
    import pydicom

    dataset = pydicom.dcmread(image(1))
    dataset.Rows, dataset.Columns = 4096, 4096
    dataset.PixelData = np.full(4096 * 4096 * 3, 90, np.uint8).tobytes()
    dataset.save_as(tmp_path / "large.dcm")
    (tmp_path / "small.dcm").write_bytes(image(2).read_bytes())
    model = load_bundle(bundle, allow_test_only=True)
    free = Worker(model, tmp_path, RuntimeOptions(threads=1), 60)
    free.start()
    small = Job(Priority.STILL, "small.dcm", 1, "1.2", "")
    free.ask(small)
    limit = free.resident_bytes() + (16 << 20)
    free.stop()
    worker = Worker(model, tmp_path, RuntimeOptions(threads=1), 60, limit)
    worker.start()
    worker.ask(small)
    with pytest.raises(WorkerLost, match=rf"needed more than {limit >> 20} MB of memory"):
        worker.ask(Job(Priority.STILL, "large.dcm", 2, "1.3", ""))
    assert not worker.alive


def test_a_note_comes_before_its_file_and_damage_to_it_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"a")
    aside = Aside(tmp_path, "replaced")
    aside.put(Note("a.dcm", "1.2", "2026"))
    aside.put(Note("gone.dcm", "1.3", "2026"))
    assert [note.file for note in aside.notes()] == ["a.dcm"]
    assert sorted(path.name for path in (tmp_path / "replaced").iterdir()) == ["a.dcm", "a.dcm.json"]
    (tmp_path / "replaced" / "a.dcm.json").write_text("{")
    (note,) = aside.notes()
    assert note.file == "a.dcm" and "can't be read" in note.reason
    assert aside.take_back("a.dcm") and (tmp_path / "a.dcm").read_bytes() == b"a"
    assert not aside.take_back("a.dcm") and aside.notes() == []


def test_a_frame_that_was_on_its_way_does_not_undo_the_quarantine(tmp_path: Path) -> None:
    store = Store(tmp_path)
    receipt = store.add(Spooled("a.dcm", "1.2", "2026-01-01T00:00:00.000000+00:00")).receipt
    store.expand(receipt, "1.1", Patient("N", "ID"), [1, 5])
    assert len(store.fail(receipt, "why")) == 2
    assert store.finish(receipt, Row("1.2", 5, state=SCORED, risk=0.5), None) is None
    assert store.counts() == {FAILED: 2}
    store.close()
