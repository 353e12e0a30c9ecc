"""What a command can't mend itself is one line and exit code 1; a bug of ours is exit code 2."""

import errno
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanside.command import run


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """A command that fails silences its process; this one has more tests to run."""
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_without_rights_or_room_is_no_bug(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(code, "No way", "some/folder")

    assert run("edge", command) == 1
    assert capsys.readouterr().err.startswith("edge: some/folder: No way. ")


def test_another_fault_is_kept_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(errno.EBADF, "Bad file descriptor")

    assert run("edge", command) == 2
    said = capsys.readouterr().err
    log = Path(said.partition("What happened is in ")[2].strip().rstrip("."))
    assert "Traceback" not in said and "Bad file descriptor" in log.read_text()
    log.unlink()
