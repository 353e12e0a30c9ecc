"""A data folder is one program's at a time, and stays the folder that it began with."""

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.processes.lock import Busy, is_still_held, locked
from edge.storage.index import NAME
from edge.storage.spool import Spool
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import PATIENCE_S, edge
from tests.edge.storage.folder import Folder, days_ago
from tests.edge.storage.received import receive


def test_twenty_entries_at_once_without_an_agent_are_all_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for number in range(20):
        folder.add(f"slide{number:02}", "ID-1", "1.1", days_ago(1))
    folder.store.close()

    def enter(number: int) -> "subprocess.CompletedProcess[str]":
        instance = f"1.2.7.slide{number:02}"
        return edge("enter", "--data", tmp_path, "--study", "1.1", "side", instance, "left")

    with ThreadPoolExecutor(20) as threads:
        done = list(threads.map(enter, range(20)))
    assert [one.stderr for one in done if one.returncode] == []
    assert sum(row["side"] == "left" for row in folder.rows().values()) == 20


def test_a_folder_that_was_moved_is_not_written_to_under_its_old_name(
    image: MakeImage, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "data" / "spool")
    receive(spool, image(1))
    with locked(tmp_path / "data") as lock:
        assert is_still_held(tmp_path / "data", lock)
        (tmp_path / "data").rename(tmp_path / "moved")
        assert not is_still_held(tmp_path / "data", lock)
        other = Spool(tmp_path / "data" / "spool")
        with locked(tmp_path / "data") as theirs:
            assert not is_still_held(tmp_path / "data", lock) and is_still_held(tmp_path / "data", theirs)
        assert spool.room().problem == "the data folder was moved or replaced; start the agent again"
        with pytest.raises(OSError, match="moved or replaced"):
            receive(spool, image(2))
    assert not other.files() and len(list((tmp_path / "moved" / "spool").glob("*.dcm"))) == 1


def test_an_agent_whose_folder_is_moved_ends_and_says_why(start_agent: StartAgent, tmp_path: Path) -> None:
    agent = start_agent()
    agent.data.rename(tmp_path / "moved")
    assert agent.process.wait(PATIENCE_S) == 1
    assert "it was moved or replaced" in agent.log and not agent.data.exists()


def test_files_can_be_read_whatever_mask_the_program_was_started_with(tmp_path: Path) -> None:
    program = (
        "import os, sys; os.umask(0o777)\n"
        "from pathlib import Path\n"
        "from edge.processes.lock import locked\n"
        "from edge.storage.custody import in_custody\n"
        "data = Path(sys.argv[1])\n"
        "with locked(data):\n"
        "    (data / 'spool').mkdir()\n"
        "with in_custody(data, 'T') as custody: pass\n"
        "assert os.umask(0) == 0o777\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "data")], check=True, timeout=PATIENCE_S)
    assert (tmp_path / "data" / NAME).exists()
    for path in (tmp_path / "data").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_who_comes_second_is_told(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Busy, match="another agent uses"), locked(tmp_path):
        pass
