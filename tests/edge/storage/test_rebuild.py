"""The index can be lost or damaged at any time: it is made anew from the spool."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.protocol.row import PENDING, SCORED
from edge.storage.reading import read_rows
from edge.storage.rebuild import open_store
from edge.storage.store import NAME, Store, UnusableIndex
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage
from tests.edge.running import Row, RunningAgent, edge, wait_for
from tests.edge.storage.folder import Folder, days_ago

SAME = "sop_instance_uid", "frame", "risk", "state", "received_at", "study_instance_uid"


def _same(rows: list[Row]) -> list[list[object]]:
    return [[row[key] for key in SAME] for row in rows]


def _break_head(index: Path) -> None:
    index.write_bytes(b"no database at all" + index.read_bytes()[18:])


def _break_page(index: Path) -> None:
    content = bytearray(index.read_bytes())
    content[4096:8192] = b"\xa5" * 4096  # page 2: the root of the table
    index.write_bytes(content)


def _cut(index: Path) -> None:
    index.write_bytes(index.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [_break_head, _break_page, _cut])
def test_a_damaged_index_is_put_aside_and_made_anew_at_start(
    damage: Callable[[Path], None], agent: RunningAgent, image: MakeImage
) -> None:
    agent.send(image(1), image(2, frames=2))
    before = agent.results(3)
    assert agent.stop() == 0
    index = agent.data / NAME
    damage(index)
    damaged = index.read_bytes()
    with pytest.raises(UnusableIndex):
        Store(agent.data)
    agent.start()
    assert _same(agent.results(3)) == _same(before)
    (aside,) = agent.data.glob(f"{NAME}.until-*Z")
    assert aside.read_bytes() == damaged
    assert "is damaged: " in agent.log and aside.name in agent.log


def test_rebuild_makes_the_index_and_the_agent_scores_it(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(image(1), image(2, frames=2))
    before = agent.results(3)
    busy = edge("rebuild", "--data", agent.data)
    assert busy.returncode == 1 and "another agent uses" in busy.stderr
    assert agent.stop() == 0
    done = edge("rebuild", "--data", agent.data)
    assert done.returncode == 0 and "2 instances and 0 entries indexed" in done.stdout
    assert [(row["state"], row["frame"]) for row in agent.results()] == [(PENDING, 1)] * 2
    (aside,) = agent.data.glob(f"{NAME}.until-*Z")
    assert aside.name in done.stdout
    states = sqlite3.connect(aside).execute("SELECT state FROM frames").fetchall()
    assert states == [(SCORED,)] * 3
    agent.start()
    assert _same(agent.results(3)) == _same(before)


def test_rebuild_needs_a_spool(tmp_path: Path) -> None:
    done = edge("rebuild", "--data", tmp_path / "nowhere")
    assert done.returncode == 1 and "no spool" in done.stderr and not (tmp_path / "nowhere").exists()


def test_an_update_goes_on_receiving(agent: RunningAgent, image: MakeImage) -> None:
    """An index of another version is put aside and made anew: nobody has to come before the next image."""
    agent.send(image(1))
    (before,) = agent.results(1)
    assert agent.stop() == 0
    with sqlite3.connect(agent.data / NAME) as db:
        db.execute("PRAGMA user_version = 99")
    agent.start()
    agent.send(image(2))
    assert before["risk"] in [row["risk"] for row in agent.results(2)]
    (aside,) = agent.data.glob(f"{NAME}.until-*Z")
    assert sqlite3.connect(aside).execute("PRAGMA user_version").fetchone() == (99,)
    assert "another version of edge" in agent.log


def test_an_index_that_is_damaged_while_the_agent_runs_is_made_anew(
    agent: RunningAgent, image: MakeImage
) -> None:
    agent.send(image(1))
    before = agent.results(1)
    for part in agent.data.glob(f"{NAME}*"):
        with part.open("r+b") as stream:  # in place: the agent has it open
            stream.write(b"\xa5" * part.stat().st_size)
    assert [sent.problem for sent in agent.send(image(2))] == [None]  # acknowledged all the same

    def made_anew() -> list[Row] | None:
        if not list(agent.data.glob(f"{NAME}.until-*")):
            return None
        try:
            rows = agent.results()
        except SettingError:
            return None
        return rows if [row["state"] for row in rows] == [SCORED] * 2 else None

    rows = wait_for(made_anew, f"a new index; log:\n{agent.log}")
    assert _same(rows)[0] == _same(before)[0]


@pytest.mark.parametrize("cell", ["row = json_set(row, '$.flags', NULL)", "found = '{}'", "slide = '[]'"])
def test_an_index_with_a_cell_that_can_not_be_read_is_put_aside(tmp_path: Path, cell: str) -> None:
    folder = Folder(tmp_path)
    folder.add("a", "P", "1.2", days_ago(1))
    folder.store.close()
    with contextlib.closing(sqlite3.connect(tmp_path / NAME)) as db, db:
        db.execute(f"UPDATE frames SET {cell}")
    if cell.startswith("row"):
        with pytest.raises(SettingError, match=r"a cell of it can't be read.*edge rebuild"):
            read_rows(tmp_path)
    with contextlib.closing(open_store(tmp_path)) as store:
        assert store.files() == set()
    assert list(tmp_path.glob(f"{NAME}.until-*Z"))


def test_a_data_folder_may_be_named_relatively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Store(Path("data")).close()
    assert (tmp_path / "data" / NAME).exists()
