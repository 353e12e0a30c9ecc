"""What `edge enter` answers is what is on the disk, whichever call to the kernel fails.

It runs as a command; strace makes the nth call of a kind fail that concerns journal, index or audit trail.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.entries.journal import NAME as JOURNAL
from edge.entries.journal import Journal
from edge.storage.custody import in_custody
from edge.storage.index import NAME as INDEX
from edge.storage.rebuild import put_aside_indexes
from edge.trail.log import FOLDER as TRAIL
from edge.trail.log import verify
from tests.edge.running import PATIENCE_S
from tests.edge.storage.folder import Folder, days_ago
from tests.outside import needs_tools, require_tool

VALUE, NEXT = "postmenopausal", "premenopausal"
AE_TITLE = "SCANSIDE"
FAULTS = [
    *(("openat", error) for error in ("EIO", "EMFILE")),
    *((call, error) for call in ("write", "pwrite64") for error in ("EIO", "ENOSPC")),
    *((call, "EIO") for call in ("fsync", "fdatasync", "read", "pread64")),
]

pytestmark = [pytest.mark.slow, needs_tools("strace")]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a study, one entry about it, and none of its files open."""
    data = tmp_path_factory.mktemp("template") / "data"
    data.mkdir()
    folder = Folder(data)
    folder.add("a", "ID-1", "1.1", days_ago(1))
    folder.enter("1.1", "ID-1", fact="menopausal_status", value="unknown")
    folder.store.close()
    return data


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(("call", "error"), FAULTS)
def test_what_is_answered_is_what_is_on_the_disk(
    call: str, error: str, lasting: bool, template: Path, tmp_path: Path
) -> None:
    number, refused = 1, 0
    while True:
        data = tmp_path / "data"
        shutil.copytree(template, data)
        told_before = len(_told_of(data))
        done, failed = _enter(data, tmp_path / "trace", f"{call}:error={error}:when={number}{'+' * lasting}")
        where = f"{call} {number}: exit {done.returncode}, {done.stderr}"
        counts = Journal(data).read()[-1].value == VALUE
        told = _told_of(data)[told_before:]
        if done.returncode == 0 or "kept, but does not count yet" in done.stderr:
            assert counts, where
        elif "nobody can say" not in done.stderr:
            assert not counts, where
        if counts:
            assert told[:1] == ["0"], where
        elif told and not lasting:
            assert told[-1] == "8", where
        assert not verify(data).faults, where
        assert "the program failed" not in done.stderr, where
        if not put_aside_indexes(data):  # SQLite takes what can't be read for damage; the spool here is empty
            with in_custody(data, AE_TITLE) as custody:  # all goes on
                custody.desk.enter(_request(NEXT), "somebody")
            assert Journal(data).read()[-1].value == NEXT and not verify(data).faults, where
        shutil.rmtree(data)
        refused += done.returncode != 0
        if not failed:
            break
        number += 1
    assert number > 1 and refused and done.returncode == 0


def _enter(data: Path, trace: Path, fault: str) -> "tuple[subprocess.CompletedProcess[str], bool]":
    """Run `edge enter` under strace; whether the fault was met."""
    names = (JOURNAL, INDEX, f"{INDEX}-wal", f"{INDEX}-shm", TRAIL, f"{TRAIL}/lock", f"{TRAIL}/lost")
    days = [path.relative_to(data).as_posix() for path in (data / TRAIL).glob("*.jsonl")]
    paths = [option for name in (".", *names, *days) for option in ("-P", str(data / name))]
    tool = [str(require_tool("strace")), "-f", "-qq", "-o", str(trace), *paths, "-e", f"inject={fault}"]
    command = [sys.executable, "-m", "edge.cli", "enter", "menopausal-status", VALUE, "--study", "1.1"]
    done = subprocess.run(
        [*tool, *command, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    return done, "(INJECTED)" in trace.read_text()


def _request(value: str) -> dict[str, str]:
    return {"do": "enter", "study": "1.1", "by": "somebody", "fact": "menopausal_status", "value": value}


def _told_of(data: Path) -> list[str]:
    """Outcome of each entry that the trail tells of."""
    lines = [
        line for path in sorted((data / TRAIL).glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]
    events = [json.loads(line)["EventIdentification"] for line in lines]
    return [event["EventOutcomeIndicator"] for event in events if "menopausal status" in json.dumps(event)]
