"""A data folder on a disk that can only be read, and one of another account than the caller's."""

import os
import shutil
from pathlib import Path

import pytest

from edge.storage.reading import read_rows, read_studies
from edge.storage.store import Store
from scanside.errors import SettingError
from tests.edge.running import edge
from tests.edge.storage.folder import Folder, days_ago

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
NOBODY = 65534


def _stopped(data: Path) -> Folder:
    folder = Folder(data)
    folder.add("a", "P1", "1.2.3", days_ago(0))
    folder.store.close()
    return folder


def test_results_are_read_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No log can be made beside the index, as on a read-only disk; root may write anywhere else."""
    _stopped(tmp_path / "data")
    kept = shutil.copytree(tmp_path / "data", tmp_path / "backup")
    kept.chmod(0o500)
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != kept)
    assert len(read_rows(kept)) == len(read_studies(kept)) == 1
    assert not list(kept.glob("results.sqlite-*"))
    kept.chmod(0o700)


@AS_ROOT
@pytest.mark.parametrize("command", ["rebuild", "serve", "tune", "purge"])
def test_root_leaves_no_file_in_another_accounts_folder(command: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    _stopped(data)
    for path in [data, *data.rglob("*")]:
        os.chown(path, NOBODY, -1)
    options = {"purge": ("--patient", "P1", "--yes"), "serve": ("--port", "0")}.get(command, ())
    done = edge(command, "--data", data, *options)
    assert done.returncode == 1 and "Do this as that account: sudo -u " in done.stderr
    assert all(path.stat().st_uid == NOBODY for path in data.rglob("*"))


def test_an_index_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "results.sqlite").symlink_to(tmp_path / "nowhere" / "results.sqlite")
    with pytest.raises(SettingError, match="can't be used: No such file"):
        Store(tmp_path)
