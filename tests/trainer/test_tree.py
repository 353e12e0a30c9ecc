"""What a folder holds, and what could not be looked at."""

import os
from pathlib import Path

import pytest

from trainer.tree import list_tree


def test_files_are_listed_and_what_is_closed_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "scan.dcm").write_bytes(b"1")
    (tmp_path / "link.dcm").symlink_to(tmp_path / "a" / "scan.dcm")
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "nowhere.dcm").symlink_to("missing")
    (tmp_path / "self.dcm").symlink_to("self.dcm")
    (tmp_path / "folder.dcm").mkdir()
    os.mkfifo(tmp_path / "pipe.dcm")
    files, closed = list_tree(tmp_path)
    assert files == [tmp_path / "a" / "scan.dcm", tmp_path / "link.dcm"]
    assert [(entry.path.name, entry.what) for entry in closed] == [
        ("nowhere.dcm", "file"),
        ("pipe.dcm", "file"),
        ("round", "folder"),
        ("self.dcm", "file"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked" / "scan.dcm").write_bytes(b"1")
    for mode in (0o000, 0o400):
        (tmp_path / "locked").chmod(mode)
        files, closed = list_tree(tmp_path)
        (tmp_path / "locked").chmod(0o700)
        assert files == [] and len(closed) == 1
