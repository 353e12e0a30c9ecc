"""Cuts the power of a running agent again and again, and compares what its disk holds with what was told.

    sudo python -m benchmarks.power_cut --cuts 50

DCMTK's storescu sends as in benchmarks/kill.py, and somebody enters facts. The data folder lies on ext4 in a
loop device, whose file lies on ext4 in another loop device. A cut freezes the outer file system, so that no
write reaches the inner disk, copies its file, and kills the agent; the copy is mounted, which replays ext4's
journal, and the agent goes on there. So what the kernel had handed to the disk is kept, all of it, and
what lay in memory alone is lost. A drive that loses what it has reported as written is not imitated.

One life in five is cut while the agent still takes up what the cut before left. Otherwise each instance that
was acknowledged must have exactly one result, under the patient of its file, and each entry that was answered
must be in the journal, in the index and in the audit trail. Exit 77 where no file system may be mounted.
"""

import argparse
import collections
import contextlib
import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.acknowledged import HOST, Kept, Load, add_load_arguments, is_scored, look
from benchmarks.kill import Agent, wait_for
from edge.sockets.control import ask
from edge.storage.index import read_index
from scanside.errors import ScansideError
from tests.outside import find_tool, missing_reason
from tests.synth.bundle import make_bundle

_TOOLS = ("storescu", "mount", "umount", "mkfs.ext4", "cp")
_FREEZE, _THAW = 0xC0045877, 0xC0045878  # FIFREEZE, FITHAW of linux/fs.h
_OUTER_BYTES, _INNER_BYTES = 8 << 30, 4 << 30  # sparse
_SKIPPED = 77  # as test programs of many projects end that could not run
_FINISH_S, _UNMOUNT_S = 300.0, 60.0
_STATUSES = ("premenopausal", "postmenopausal", "unknown")


class Disk:
    """An ext4 file system whose power can be cut.

    Attributes:
        folder: where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._outer = folder / "disk", folder / "outer"
        self._image, self._copy = self._outer / "inner.img", folder / "copy.img"
        for made in (self.folder, self._outer):
            made.mkdir()
        _make_file_system(folder / "outer.img", _OUTER_BYTES)
        _mount(folder / "outer.img", self._outer)
        try:
            _make_file_system(self._image, _INNER_BYTES)
            _mount(self._image, self.folder)
        except BaseException:
            _unmount(self._outer)
            raise

    def cut(self) -> None:
        """Copy what the disk holds at this moment."""
        with _frozen(self._outer):
            _copy_file(self._image, self._copy)

    def come_back(self) -> None:
        """Mount what the last cut left; nothing may use the disk."""
        _unmount(self.folder)
        self._image.unlink()
        _copy_file(self._copy, self._image)
        _mount(self._image, self.folder)

    def close(self) -> None:
        for folder in (self.folder, self._outer):
            _unmount(folder)


class Entries(threading.Thread):
    """Enters a fact about the study of `load`, again and again; each entry by a person of its own name.

    Attributes:
        answered: who was told that the entry is kept.
    """

    def __init__(self, data: Path, load: Load) -> None:
        super().__init__(daemon=True)
        self._data, self._load = data, load
        self._noting = threading.Lock()
        self.answered: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._load.stopped.is_set():
            self._load.goes_on.wait()
            number += 1
            self._enter(f"person {number}", _STATUSES[number % len(_STATUSES)])
            time.sleep(0.1)

    def _enter(self, who: str, value: str) -> None:
        what = {"do": "enter", "study": self._load.study, "patient": self._load.patient, "by": who}
        with contextlib.suppress(ScansideError, OSError):
            if ask(self._data, {**what, "fact": "menopausal_status", "value": value}, 5.0):
                with self._noting:
                    self.answered.append(who)

    def told(self) -> list[str]:
        with self._noting:
            return list(self.answered)

    def forget_after(self, told: list[str]) -> None:
        with self._noting:
            self.answered = told

    def lost(self) -> list[str]:
        """Entries that were answered and are not in journal, audit trail and index."""
        entered = _entered_by(self._data / "journal.jsonl")
        trail = b"".join(path.read_bytes() for path in (self._data / "audit").glob("*.jsonl"))
        told = self.told()
        gone = [who for who in told if who not in entered or f'"{who}"'.encode() not in trail]
        with contextlib.closing(read_index(self._data)) as index:
            counts = [json.loads(entry)["by"] for (entry,) in index.execute("SELECT entry FROM entries")]
        return [*gone, *(f"{who} (index)" for who in entered[-1:] if who not in counts)]


def _entered_by(journal: Path) -> list[str]:
    """Who made each entry; a cut may leave a line by half."""
    people = []
    for line in journal.read_bytes().splitlines() if journal.exists() else []:
        with contextlib.suppress(ValueError):
            people.append(json.loads(line)["by"])
    return people


def main() -> int:
    args = _arguments()
    if reason := _hindrance():
        print(f"skipped: {reason}")
        return _SKIPPED
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for made in ("bundle", "agent"):
            (folder / made).mkdir()
        bundle = make_bundle(folder / "bundle", clinical=False)
        try:
            disk = Disk(folder)
        except OSError as error:
            print(f"skipped: {error}")
            return _SKIPPED
        with contextlib.closing(disk):
            return _cut_all(args, disk, folder, bundle)


def _cut_all(args: argparse.Namespace, disk: Disk, folder: Path, bundle: Path) -> int:
    chance, port = random.Random(args.seed), _free_port()
    data = disk.folder / "data"
    load = Load(folder, lambda: port, args.batch, args.rate)
    entries = Entries(data, load)
    agent = Agent(folder / "agent", bundle, data=data, port=port)
    checks: list[tuple[Kept, list[str]]] = []
    cuts, end = collections.Counter[str](), time.monotonic() + 60 * args.minutes
    load.start()
    entries.start()
    try:
        time.sleep(args.pause_s)
        while sum(cuts.values()) < args.cuts and time.monotonic() < end:
            told, entered = load.told(), entries.told()
            disk.cut()
            agent.end_at_once()
            load.pause()
            load.forget_after(told)
            entries.forget_after(entered)
            disk.come_back()
            agent.start()
            at_once = chance.random() < 0.2
            if not at_once:
                checks.append(_check(agent, load, entries))
            cuts["while it took up what was left" if at_once else "later"] += 1
            load.goes_on.set()
            time.sleep(chance.uniform(0.0, args.pause_s))
        load.pause()
        checks.append(_check(agent, load, entries))
    finally:
        load.end()
        agent.end_at_once()
        load.join()
        entries.join()
    return _report(cuts, load, entries, checks)


def _check(agent: Agent, load: Load, entries: Entries) -> tuple[Kept, list[str]]:
    """What is kept once all that the cut left is scored."""
    try:
        wait_for(lambda: agent.status() is not None and is_scored(agent.data, load), "results", _FINISH_S)
    except TimeoutError as error:
        print(error)
    kept = look(agent.data, load), entries.lost()
    if not kept[0].is_whole or kept[1]:
        print(kept, flush=True)
    return kept


def _report(
    cuts: "collections.Counter[str]", load: Load, entries: Entries, checks: list[tuple[Kept, list[str]]]
) -> int:
    told = sum(was_told for _, was_told in load.replacements)
    lost_entries = [who for _, lost in checks for who in lost]
    figures = [
        ("cuts", f"{sum(cuts.values())}: {dict(cuts)}"),
        ("looked after", f"{len(checks)} of them"),
        ("sent, acknowledged", f"{load.sent}, {len(load.acknowledged)}"),
        ("one sent again, acknowledged", f"{len(load.replacements)}, {told}"),
        ("entries answered", len(entries.answered)),
        ("lost entries", len(lost_entries)),
        *checks[-1][0].lines(),
        ("looks that found a fault", sum(not kept.is_whole or bool(lost) for kept, lost in checks)),
    ]
    for name, figure in figures:
        print(f"{name:29} {figure}")
    whole = all(kept.is_whole for kept, _ in checks)
    return 0 if load.acknowledged and told and entries.answered and whole and not lost_entries else 1


def _hindrance() -> str:
    """Why it can't be done here, if so."""
    if missing := [name for name in _TOOLS if find_tool(name) is None]:
        return missing_reason(*missing)
    return "needs root: file systems are mounted" if os.geteuid() else ""


def _make_file_system(image: Path, size: int) -> None:
    with image.open("wb") as stream:
        stream.truncate(size)
    _run("mkfs.ext4", "-q", "-F", str(image))


def _mount(image: Path, folder: Path) -> None:
    _run("mount", "-o", "loop", str(image), str(folder))


def _unmount(folder: Path) -> None:
    end = time.monotonic() + _UNMOUNT_S
    while True:  # who was killed lets go of its files in a moment
        try:
            return _run("umount", str(folder))
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def _copy_file(source: Path, target: Path) -> None:
    _run("cp", "--sparse=always", str(source), str(target))


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run([str(find_tool(name)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{name} {' '.join(arguments)}: {done.stderr.strip()}")


@contextlib.contextmanager
def _frozen(folder: Path) -> Iterator[None]:
    """Let no write to the file system pass meanwhile; those under way end before."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _FREEZE, 0)
        try:
            yield
        finally:
            fcntl.ioctl(descriptor, _THAW, 0)
    finally:
        os.close(descriptor)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cuts", type=int, default=50, help="how many (50)")
    parser.add_argument("--minutes", type=float, default=9.0, help="at most so long, then fewer (9)")
    parser.add_argument("--pause-s", type=float, default=6.0, help="longest time between two (6)")
    add_load_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing stays mounted
    sys.exit(main())
