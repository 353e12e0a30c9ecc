"""What a folder holds, and what could not be looked at."""

import os
from pathlib import Path

import pytest

from tests.trainer.hospital_tree import make_deep
from trainer.prepare.hospital import list_closed, list_files
from trainer.prepare.tree import list_tree


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


def test_links_are_followed_inside_the_folder_alone(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "scan.dcm").write_bytes(b"1")
    (tmp_path / "tree-2").mkdir()
    (tmp_path / "tree-2" / "foreign.dcm").write_bytes(b"2")
    (tree / "inside.dcm").symlink_to("a/scan.dcm")
    (tree / "outside.dcm").symlink_to(tmp_path / "tree-2" / "foreign.dcm")
    (tree / "folder").symlink_to(tmp_path / "tree-2")
    files, closed = list_tree(tree)
    assert files == [tree / "a" / "scan.dcm", tree / "inside.dcm"]
    assert [entry.path.name for entry in closed] == ["folder", "outside.dcm"]
    assert all("not followed" in entry.reason for entry in closed)


def test_what_lies_too_deep_for_a_path_is_named_and_the_rest_is_listed(tmp_path: Path) -> None:
    make_deep(tmp_path / "deep")
    (tmp_path / "scan.dcm").write_bytes(b"1")
    files, closed = list_tree(tmp_path)
    assert tmp_path / "scan.dcm" in files and 10 < len(files) < 20
    assert closed and all("too long" in entry.reason for entry in closed)
    assert len(list_files(tmp_path, besides=Path("table.csv"))) == len(files)
    assert len(list_closed(tmp_path)) == len(closed)
