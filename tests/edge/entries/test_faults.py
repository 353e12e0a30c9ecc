"""What is answered of an entry is what is on the disk, and the trail says so, whichever system call fails."""

import errno
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.entries.entry import Entry
from edge.entries.journal import Journal
from edge.trail.log import verify
from scanside.errors import ScansideError
from tests.edge.storage.folder import Folder, days_ago

CALLS = ("open", "write", "fsync", "ftruncate", "close", "fstat", "pread", "pwrite", "read", "mkdir")
VALUE = "postmenopausal"


class Faults:
    """Makes the calls of the operating system fail that the journal and the trail use, from the nth on.

    A call that fails has done nothing, but for `close`, which has; `fsync` fails with the data in the file.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self._fails: Callable[[int], bool] = lambda _number: False
        self._error = errno.EIO
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))
        monkeypatch.setattr(io, "open", self._wrapped("open", io.open))

    def arm(self, number: int, lasting: bool, error: int) -> None:
        self.seen, self._error = [], error
        self._fails = (lambda n: n >= number) if lasting else (lambda n: n == number)

    def disarm(self) -> None:
        self._fails = lambda _number: False

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.seen.append(name)
            if self._fails(len(self.seen) - 1):
                if name == "close":
                    call(*args, **options)
                raise OSError(self._error, os.strerror(self._error))
            return call(*args, **options)

        return wrapped


def _counts_after_restart(folder: Folder) -> list[Entry]:
    """What a new agent finds."""
    return [entry for entry in Journal(folder.data).read() if entry.value == VALUE]


def _trail(folder: Folder) -> list[str]:
    """Outcome of each entry that the trail tells of."""
    paths = sorted((folder.data / "audit").glob("*.jsonl"))
    said = [json.loads(line) for path in paths for line in path.read_bytes().splitlines() if line]
    return [
        one["EventIdentification"]["EventOutcomeIndicator"]
        for one in said
        if "menopausal status" in json.dumps(one["EventIdentification"])
    ]


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("error", [errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("before", [0, 1])
def test_what_is_answered_is_what_counts_and_stands_in_the_trail(
    before: int, error: int, lasting: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, number, tried = Faults(monkeypatch), 0, set()
    while True:
        (tmp_path / str(number)).mkdir()
        folder = Folder(tmp_path / str(number))
        folder.add("a", "ID-1", "1.1", days_ago(1))
        for _ in range(before):  # journal and trail are there already
            folder.enter("1.1", "ID-1", fact="menopausal_status", value="unknown")
        trail_before = len(_trail(folder))
        faults.arm(number, lasting, error)
        try:
            folder.enter("1.1", "ID-1", fact="menopausal_status", value=VALUE)
            answer = "kept"
        except ScansideError as refused:
            answer = str(refused)
        failed = number < len(faults.seen)
        faults.disarm()
        where = f"{number}: {faults.seen[: number + 1]}, {answer}"
        counts, trail = _counts_after_restart(folder), _trail(folder)[trail_before:]
        if answer == "kept":
            assert counts, where
        elif "nobody can say" not in answer:
            assert "not kept" in answer and not counts, where
        if counts:
            assert trail[:1] == ["0"], where
        elif trail and not lasting:
            assert trail[-1] == "8" and len(counts) == 0, where
        assert not verify(folder.data).faults, where
        folder.enter("1.1", "ID-1", fact="menopausal_status", value="premenopausal")  # all goes on
        assert [e.value for e in Journal(folder.data).read()][-1] == "premenopausal", where
        assert not Journal(folder.data).faults
        folder.store.close()
        tried.add(answer.partition(":")[0])
        if not failed:
            break
        number += 1
    assert number > 10 and "the entry was not kept" in tried


def test_an_entry_that_the_index_can_t_take_counts_later_and_is_in_the_trail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.add("a", "ID-1", "1.1", days_ago(1))
    with monkeypatch.context() as patch:
        patch.setattr(folder.store, "enter", _full)
        with pytest.raises(ScansideError, match="kept, but does not count yet"):
            folder.enter("1.1", "ID-1", fact="menopausal_status", value=VALUE)
    assert _trail(folder) == ["0"] and folder.custody.desk.behind
    assert folder.custody.desk.catch_up() and folder.rows()["a"]["risk"] == 0.6


def _full(*_: Any) -> Iterator[None]:
    raise sqlite3.OperationalError("database or disk is full")
