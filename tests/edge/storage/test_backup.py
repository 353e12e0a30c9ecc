"""The spool says everything: a copy of it, made in whatever way, gives the same rows, times and numbers."""

import os
import shutil
import threading
from pathlib import Path

import pydicom
import pytest

from edge.protocol.row import Patient
from edge.storage.backup import back_up, restore
from edge.storage.intake import recover, take, take_up
from edge.storage.label import Label, Slides, encode, read_label, study_key, write_slides
from edge.storage.spool import Spool
from edge.storage.store import Store
from scanside.errors import InputError, SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import edge
from tests.edge.storage.received import receive
from tests.synth.dicom import Patient as Sender

TOLD = ("sop_instance_uid", "frame", "slide", "received_at", "patient_id")


class Agent:
    """Spool and index of a data folder, whose headers are read by hand."""

    def __init__(self, data: Path) -> None:
        self.data, self.spool, self.store = data, Spool(data / "spool"), Store(data)
        self.spool.sweep()

    def take(self, path: Path, received_at: str = "") -> None:
        self._number(take(self.spool, self.store, receive(self.spool, path, received_at)).spooled.receipt)

    def take_up(self) -> None:
        for taken in take_up(self.spool, self.store):
            self._number(taken.spooled.receipt)

    def rows(self) -> list[tuple[object, ...]]:
        return [tuple(getattr(row, key) for key in TOLD) for row in self.store.newest(99)]

    def _number(self, receipt: int) -> None:
        known = self.store.taken(receipt)
        if known is not None:
            header = pydicom.dcmread(self.spool.path(known.file), stop_before_pixels=True)
            frames = [1, 2, 3] if "NumberOfFrames" in header and header.NumberOfFrames > 1 else [1]
            patient = Patient(str(header.PatientName), header.PatientID)
            self.store.expand(receipt, header.StudyInstanceUID, patient, frames)
            write_slides(self.spool.path(known.file), self.store.slides(known.sop_instance_uid))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    (tmp_path / "data").mkdir()
    return Agent(tmp_path / "data")


@pytest.fixture
def images(image: MakeImage) -> list[Path]:
    """Five of a study, the second a cine."""
    who = Sender()
    return [image(seed, 3 if seed == 1 else 1, patient=who) for seed in range(5)]


def test_a_copy_without_times_of_files_and_in_another_order_gives_the_same_rows(
    agent: Agent, images: list[Path], tmp_path: Path
) -> None:
    for path in images:
        agent.take(path)
    before = agent.rows()
    assert [row[2] for row in before] == [1, 2, 3, 4, 5, 6, 7]
    shutil.copytree(agent.data / "spool", tmp_path / "copy" / "spool")
    for number, path in enumerate(sorted((tmp_path / "copy" / "spool").glob("*.dcm"))):
        os.utime(path, (1e9 - number, 1e9 - number))
    copied = Agent(tmp_path / "copy")
    copied.take_up()
    assert copied.rows() == before


def test_a_new_slide_takes_no_number_of_one_whose_header_is_not_read_yet(
    agent: Agent, images: list[Path]
) -> None:
    for path in images[:4]:
        agent.take(path)
    agent.store.close()
    for part in agent.data.glob("results.sqlite*"):
        part.unlink()
    again = Agent(agent.data)
    waiting = take_up(again.spool, again.store)
    again.take(images[4])  # read first: what has just come is
    assert [row[2] for row in again.rows() if row[2]] == [7]
    for taken in reversed(waiting):
        again._number(taken.spooled.receipt)
    assert [row[2] for row in again.rows()] == [1, 2, 3, 4, 5, 6, 7]


def test_what_came_last_counts_after_a_rebuild_too(agent: Agent, images: list[Path], tmp_path: Path) -> None:
    other = pydicom.dcmread(images[0])
    other.PatientID = "CORRECTED"
    other.save_as(tmp_path / "other.dcm")
    first = receive(agent.spool, images[0])  # none of the three is in the index when it is lost
    receive(agent.spool, tmp_path / "other.dcm")
    last = receive(agent.spool, images[0])
    assert first.file == last.file and first.received_at < last.received_at
    agent.take_up()
    (row,) = agent.rows()
    assert (row[3], row[4]) == (last.received_at, Sender().id)
    assert read_label(agent.spool.path(first.file)).received_at == last.received_at  # type: ignore[union-attr]


def test_sent_again_an_image_keeps_its_time_and_its_number(agent: Agent, images: list[Path]) -> None:
    for path in images[:2]:
        agent.take(path)
    before = agent.rows()
    receive(agent.spool, images[0])
    agent.store.close()
    (agent.data / "results.sqlite").unlink()
    again = Agent(agent.data)
    again.take_up()
    assert again.rows() == before


def test_an_earlier_version_counts_again_where_the_current_one_is_missing(
    agent: Agent, images: list[Path], tmp_path: Path
) -> None:
    other = pydicom.dcmread(images[0])
    other.PatientID = "CORRECTED"
    other.save_as(tmp_path / "other.dcm")
    agent.take(images[0])
    agent.take(tmp_path / "other.dcm")
    (current,) = agent.spool.files()
    agent.spool.remove(current)  # a copy that lacks it
    agent.store.remove([current])
    assert recover(agent.spool, agent.store) == [str(other.SOPInstanceUID)]
    agent.take_up()
    (row,) = agent.rows()
    assert row[4] == Sender().id and not agent.spool.replaced.notes()
    assert recover(agent.spool, agent.store) == []


def test_a_backup_while_images_move_between_folders_lacks_none(
    agent: Agent, image: MakeImage, tmp_path: Path
) -> None:
    for seed in range(30):
        agent.take(image(100 + seed))
    names = {path.name for path in (agent.data / "spool").glob("*.dcm")}
    over = threading.Event()

    def move() -> None:
        spool, aside = agent.data / "spool", agent.data / "spool" / "replaced"
        while not over.is_set():
            for name in names:
                (spool / name).rename(aside / name)
                (aside / name).rename(spool / name)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        counts = [back_up(agent.data, tmp_path / f"backup-{number}") for number in range(3)]
    finally:
        over.set()
        mover.join()
    assert counts == [30, 30, 30]
    for number in range(3):
        restored = restore(tmp_path / f"backup-{number}", tmp_path / f"restored-{number}")
        assert (restored.images, restored.missing, restored.damaged) == (30, (), ())


def test_a_restore_says_what_is_missing_and_what_is_altered(
    agent: Agent, images: list[Path], tmp_path: Path
) -> None:
    for path in images:
        agent.take(path)
    back_up(agent.data, tmp_path / "backup")
    first, second, *_ = sorted((tmp_path / "backup" / "spool").glob("*.dcm"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    done = edge("restore", tmp_path / "backup", "--data", tmp_path / "restored")
    assert done.returncode == 1 and "4 images" in done.stdout
    assert f"missing from the backup: spool/{first.name}" in done.stderr
    assert f"altered in the backup: spool/{second.name}" in done.stderr
    with pytest.raises(SettingError, match="has used"):
        restore(tmp_path / "backup", agent.data)
    with pytest.raises(SettingError, match="not empty"):
        back_up(agent.data, tmp_path / "backup")
    with pytest.raises(SettingError, match="belongs elsewhere"):
        back_up(agent.data, agent.data / "backup")
    listed = tmp_path / "backup" / "backup.json"
    listed.write_text(listed.read_text().replace("spool/replaced/", "spool/").replace('"spool/', '"../', 1))
    with pytest.raises(InputError, match="names a file that no backup has"):
        restore(tmp_path / "backup", tmp_path / "elsewhere")


def test_a_backup_of_a_running_agent_is_restored_with_numbers_and_entries_and_no_latency(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    agent, who = start_agent(), Sender()
    agent.send(image(1, patient=who), image(2, frames=3, patient=who), image(3, patient=who))
    before = agent.results(5)
    entered = edge("enter", "--data", agent.data, "--study", who.study, "side", before[0]["sop_instance_uid"],
                   "left")  # fmt: skip
    assert entered.returncode == 0, entered.stderr
    made = edge("backup", tmp_path / "backup", "--data", agent.data)
    assert made.returncode == 0 and made.stdout.startswith("3 images"), made.stderr
    agent.stop()
    shutil.rmtree(agent.data)
    done = edge("restore", tmp_path / "backup", "--data", agent.data)
    assert done.returncode == 0, done.stderr
    agent.start()
    after = agent.results(5)
    same = ("sop_instance_uid", "frame", "slide", "received_at", "risk", "state", "source")
    assert [[row[key] for key in same] for row in after] == [[row[key] for key in same] for row in before]
    assert after[0]["side"] == "left"
    assert all(row["latency_ms"] for row in before) and not any(row["latency_ms"] for row in after)
    assert agent.health()["latency_p50_ms"] is None


def test_a_label_is_a_preamble_and_says_nothing_of_the_patient(tmp_path: Path) -> None:
    at = "2026-12-01T10:00:00.000001+00:00"
    label = Label(at, at, Slides(7, 3, study_key("1.2", "ID-1")))
    (tmp_path / "a.dcm").write_bytes(encode(label) + b"DICM")
    assert len(encode(label)) == 128 and b"ID-1" not in encode(label)
    assert read_label(tmp_path / "a.dcm") == label
    (tmp_path / "b.dcm").write_bytes(bytes(128) + b"DICM")
    assert read_label(tmp_path / "b.dcm") is None
    write_slides(tmp_path / "b.dcm", label.slides)  # a file that nobody here received stays as it is
    assert (tmp_path / "b.dcm").read_bytes() == bytes(128) + b"DICM"
