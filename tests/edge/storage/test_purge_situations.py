"""After a purge nothing is left of a patient, whatever the index knew; and nobody else is touched unasked."""

import json
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from edge.protocol import row
from edge.storage.index import NAME
from edge.storage.purge import Wanted
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Store
from edge.storage.whose import person, whose
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import RunningAgent, edge, wait_for
from tests.edge.storage.folder import Folder, days_ago
from tests.edge.storage.received import receive
from tests.synth.dicom import Patient

ID, NAME_OF_HER, OTHER = "PURGE-ME-4711", "ZWOLLE^ZOE", "STAYS-0815"


@pytest.fixture
def images(image: MakeImage) -> list[Path]:
    """Six of the patient, of whom one is a cine, and two of another."""
    her, other = Patient(NAME_OF_HER, ID), Patient("OTHER^PERSON", OTHER)
    return [*(image(seed, 1 + 2 * (seed == 5), patient=her) for seed in range(6)), image(17, patient=other),
            image(18, patient=other)]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, images: list[Path]) -> Path:
    """A data folder whose spool holds them, and no index."""
    spool = Spool(tmp_path / "data" / "spool")
    for path in images:
        receive(spool, path)
    return tmp_path / "data"


def left_of_her(data: Path, images: list[Path]) -> list[str]:
    """Files of the data folder, the audit trail apart, in which her name, her ID or her pixels stand."""
    marks = [ID.encode(), NAME_OF_HER.encode(), *(_tissue(path, images[6:]) for path in images[:6])]
    files = [path for path in data.rglob("*") if path.is_file() and "audit" not in path.parts]
    return [str(path) for path in files if any(mark in path.read_bytes() for mark in marks)]


def _tissue(path: Path, others: list[Path]) -> bytes:
    """Bytes of its pixels that are in no image of others."""
    pixels = bytes(pydicom.dcmread(path).PixelData)
    known = [bytes(pydicom.dcmread(other).PixelData) for other in others]
    pieces = (pixels[at : at + 64] for at in range(len(pixels) // 3, len(pixels), 64))
    return next(piece for piece in pieces if len(set(piece)) > 15 and not any(piece in one for one in known))


def purged(data: Path, images: list[Path], *options: str) -> None:
    done = edge("purge", "--patient", ID, "--data", data, "--yes", *options)
    assert done.returncode == 0 and done.stdout.startswith("Removed: 6 instances"), done.stderr
    assert left_of_her(data, images) == []
    assert len(list((data / "spool").glob("*.dcm"))) == 2


def _no_index(_data: Path) -> None:
    """Deleted; or a restored backup, of which spool, journal and trail were kept."""


def _rebuilt(data: Path) -> None:
    assert edge("rebuild", "--data", data).returncode == 0


def _damaged_index(data: Path) -> None:
    _rebuilt(data)
    index = data / NAME
    index.write_bytes(b"\xa5" * index.stat().st_size)


def _half_written(data: Path) -> None:
    """What a power cut left: of an arrival, and of a note."""
    (data / "spool" / "incoming" / "0123.part").write_bytes(NAME_OF_HER.encode())
    (data / "spool" / "replaced" / "a.dcm.part").write_bytes(ID.encode())


@pytest.mark.parametrize("situation", [_no_index, _rebuilt, _damaged_index, _half_written])
def test_nothing_is_left_whatever_the_index_knew(
    situation: Callable[[Path], None], data: Path, images: list[Path]
) -> None:
    situation(data)
    assert left_of_her(data, images)
    purged(data, images)


def test_nothing_is_left_by_an_agent_that_scores_nothing(
    start_agent: StartAgent, images: list[Path], tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('runtimes = ["tensorrt:fp16"]\n')  # none is here
    agent = start_agent("--config", str(config), state="not scoring")
    agent.send(*images)
    purged(agent.data, images)


def test_nothing_is_left_by_an_agent_that_has_just_started_on_a_backlog(
    start_agent: StartAgent, images: list[Path]
) -> None:
    agent = start_agent()
    assert agent.stop() == 0
    spool = Spool(agent.data / "spool")
    for path in images:
        receive(spool, path)
    agent.start()
    purged(agent.data, images)
    wait_for(lambda: len(agent.results(2)) == 2, "the others' results")
    assert left_of_her(agent.data, images) == []


@pytest.mark.parametrize("damage", ["before the patient", "in between", "deflated"])
def test_nothing_is_left_of_an_image_whose_damaged_header_hides_the_patient(
    damage: str, data: Path, images: list[Path]
) -> None:
    _damage(next(path for path in (data / "spool").glob("*.dcm") if ID.encode() in path.read_bytes()), damage)
    assert left_of_her(data, images) or damage == "deflated"
    purged(data, images)


def _damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "deflated":  # as it came, but for its end
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        dataset.save_as(path)
        path.write_bytes(path.read_bytes()[:-200])
        return
    tag = b"\x08\x00\x60\x00" if how == "before the patient" else b"\x10\x00\x10\x00"
    at = content.index(tag)
    content[at + 4 : at + 8] = b"SQ\xff\xff"
    path.write_bytes(content)


def test_a_file_that_hides_its_patient_for_good_is_counted_and_named(data: Path) -> None:
    (data / "spool" / ("0" * 64 + ".dcm")).write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 500)
    nobody = edge("purge", "--patient", "TYPO", "--data", data, "--yes")
    assert nobody.returncode == 1
    assert "nothing is kept of patient ID 'TYPO': 9 files were looked at" in nobody.stderr
    assert "1 file hides whose it is: spool/0000" in nobody.stderr
    done = edge("purge", "--patient", ID, "--data", data, "--yes")
    assert done.returncode == 1 and "Removed: 6 instances" in done.stdout and "spool/0000" in done.stderr
    done = edge("purge", "--patient", OTHER, "--data", data, "--yes", "--unreadable")
    assert done.returncode == 0 and not list((data / "spool").glob("*.dcm"))


def test_a_reader_keeps_the_name_in_the_log_and_purge_says_so(
    agent: RunningAgent, images: list[Path]
) -> None:
    agent.send(*images)
    agent.results(10)
    reader = sqlite3.connect(f"file:{agent.data / NAME}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT COUNT(*) FROM frames").fetchone() == (10,)
    done = edge("purge", "--patient", ID, "--data", agent.data, "--yes")
    assert done.returncode == 1 and "another program reads results.sqlite" in done.stderr
    assert left_of_her(agent.data, images)
    reader.execute("COMMIT")
    reader.close()
    done = edge("purge", "--patient", "NOBODY", "--data", agent.data, "--yes")
    assert done.returncode == 1 and "another program" not in done.stderr
    wait_for(lambda: left_of_her(agent.data, images) == [], "the log's end", 90)


def test_people_who_share_an_id_are_shown_and_told_apart(image: MakeImage, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "data" / "spool")
    for seed, (name, issuer, date) in enumerate(
        (("DOE^JANE", "NORTH", "20260301"), ("ROE^ANN", "SOUTH", "20260401"))
    ):
        dataset = pydicom.dcmread(image(seed, patient=Patient(name, "4711")))
        dataset.IssuerOfPatientID, dataset.StudyDate, dataset.PatientBirthDate = issuer, date, "19700102"
        dataset.save_as(tmp_path / "one.dcm")
        receive(spool, tmp_path / "one.dcm")
    purge = ("purge", "--patient", "4711", "--data", tmp_path / "data")
    shown = edge(*purge)
    assert shown.returncode == 1
    for text in ("DOE^JANE, ID 4711, issuer NORTH, born 1970-01-02", "of 2026-04-01: 1 file", "of 2 people"):
        assert text in shown.stderr
    refused = edge(*purge, "--yes")
    assert refused.returncode == 1 and "--issuer" in refused.stderr
    assert len(spool.files()) == 2
    done = edge(*purge, "--issuer", "NORTH", "--yes", "--json")
    assert done.returncode == 0
    assert [(who["name"], who["issuer"]) for who in json.loads(done.stdout)["people"]] == [
        ("DOE^JANE", "NORTH")
    ]
    assert [whose(spool.path(file)).name for file in spool.files()] == ["ROE^ANN"]
    assert edge(*purge, "--yes", "--all-names").returncode == 0 and not spool.files()


def test_one_id_under_two_names_is_flagged(tmp_path: Path) -> None:
    from edge.protocol.row import SHARED_ID

    folder = Folder(tmp_path)
    folder.add("a", "4711", "1.1", days_ago(2), name_of="DOE^JANE")
    folder.add("b", "4711", "1.2", days_ago(1), name_of="Doe^Jane^^Dr")  # the same person, typed otherwise
    assert not any(SHARED_ID in row["flags"] for row in folder.rows().values())
    folder.add("c", "4711", "1.3", days_ago(0), name_of="ROE^ANN")
    folder.add("d", "4712", "1.4", days_ago(0), name_of="ROE^ANN")
    flagged = {name: SHARED_ID in row["flags"] for name, row in folder.rows().items()}
    assert flagged == {"a": True, "b": True, "c": True, "d": False}
    assert folder.store.shared_ids() == 1
    folder.custody.purge(Wanted(study="1.3"), "tester")
    assert folder.store.shared_ids() == 0


def test_names_are_compared_by_family_and_given_name() -> None:
    assert person("DOE^Jane  Ann^^Dr^") == person("Doe^JANE ANN=X") == "doe^jane ann"
    assert person("") == person("^") == ""


def test_what_is_purged_while_its_notice_waits_does_not_come_back(tmp_path: Path, images: list[Path]) -> None:
    folder = Folder(tmp_path)
    one = receive(folder.spool, images[0])
    folder.custody.purge(Wanted(patient=ID), "tester")
    assert folder.custody.take(one).row is None and folder.store.instances() == []


def test_no_copy_of_a_deleted_cell_is_left_in_the_index(tmp_path: Path) -> None:
    """SQLite's secure_delete clears the cell, but no copy that balancing has left on another page."""
    store, chance, number, left = Store(tmp_path), random.Random(2), 0, []
    for round_ in range(12):
        ids = [f"ID-{round_:02}-{who}" for who in range(6)]
        order = [who for who in ids for _ in range(5)] + ["LOAD"] * chance.randrange(60)
        chance.shuffle(order)
        studies, files = {who: _uid(chance) for who in [*ids, "LOAD"]}, defaultdict(list)
        for who in order:
            number += 1
            files[who].append(f"{number:064}.dcm")
            spooled = Spooled(files[who][-1], _uid(chance), f"2026-01-01T00:00:00.{number:06}+00:00")
            store.expand(store.add(spooled).receipt, studies[who], row.Patient(f"N^{who}", who), [1])
        for who in ids:
            store.remove(files[who], for_good=True)
            assert store.empty_log()
            left += [who for path in tmp_path.glob(f"{NAME}*") if who.encode() in path.read_bytes()]
    store.close()
    assert left == []


def _uid(chance: random.Random) -> str:
    return f"2.25.{chance.getrandbits(100)}"
