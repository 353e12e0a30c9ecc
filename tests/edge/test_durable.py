"""What is put aside or replaced is on the disk before it has its name."""

import os
from pathlib import Path

import pytest

from edge.durable import replace_file, write_file
from edge.storage.aside import Aside, Note


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Syncs and renames, in their order, by the name of file or folder."""
    done: list[str] = []
    sync, rename = os.fsync, Path.rename

    def note_sync(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        sync(descriptor)

    def note_rename(path: Path, target: Path) -> Path:
        done.append(f"rename {path.name}")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    return done


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="Linux alone names descriptors")


def test_a_note_is_synced_before_its_file_moves_and_both_folders_after(
    tmp_path: Path, steps: list[str]
) -> None:
    (tmp_path / "a.dcm").write_bytes(b"a")
    Aside(tmp_path, "quarantine").put(Note("a.dcm", "1.2", "2026"))
    assert steps == [
        "sync a.dcm.json.part",
        "rename a.dcm.json.part",
        "rename a.dcm",
        "sync quarantine",
        f"sync {tmp_path.name}",
    ]


def test_a_file_that_can_not_be_written_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "place.json"
    replace_file(path, b"former")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="Input/output"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"former"


def test_a_file_is_for_this_account_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        write_file(tmp_path / "file", [b"content"])
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "file").read_bytes() == b"content"
