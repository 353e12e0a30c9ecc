"""Kills processes of a running agent with SIGKILL at random moments while DCMTK's storescu sends to it.

    python -m benchmarks.kill --kills 200 --minutes 6

At the end every instance that was acknowledged must have exactly one result. Instances are small copies of
one scan, scored by a model made for tests: what is measured is the agent, not the network. Restarts count:
a supervisor that was killed is started again at once, as systemd would.
"""

import argparse
import collections
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from pydicom.uid import generate_uid

from edge.sockets.control import ask
from edge.storage.reading import read_rows
from scanside.errors import ScansideError
from tests.outside import find_tool_or_exit
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, make_instance
from tests.synth.scans import make_frame

HOST, PARTS = "127.0.0.1", ("supervisor", "receiver", "agent", "worker")
_FINISH_S = 300.0
_ACKNOWLEDGED = re.compile(r"Received Store Response \(Success\)")


class Agent:
    """`edge serve` that is started again whenever it has ended; `port` stays the same."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.data, self._folder, self._bundle = folder / "data", folder, bundle
        self.port = 0
        self._log = (folder / "agent.log").open("ab")
        self.start()
        self.port = int(_wait(self._port, "the first start"))

    def start(self) -> None:
        options = ["--data", str(self.data), "--bundle", str(self._bundle), "--allow-test-bundle"]
        options += ["--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "serve", *options], stderr=self._log, stdin=subprocess.DEVNULL
        )

    def keep_alive(self) -> None:
        if self.process.poll() is not None:
            self.start()

    def status(self) -> "dict[str, object] | None":
        try:
            return ask(self.data, {"do": "status"}, 2.0)
        except ScansideError:
            return None

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _port(self) -> int:
        status = self.status()
        return status["agent"]["port"] if status else 0  # type: ignore[index]

    def pid(self, part: str) -> "int | None":
        if part == "supervisor":
            return self.process.pid
        status = self.status()
        return status["processes"].get(part, {}).get("pid") if status else None  # type: ignore[attr-defined,index]


class Load(threading.Thread):
    """Senders, one after the other, each with an association of its own; notes what was acknowledged."""

    def __init__(self, folder: Path, agent: Agent, batch: int, rate: float) -> None:
        super().__init__(daemon=True)
        self._folder, self._agent, self._batch, self._pause_s = folder, agent, batch, batch / rate
        self._template = make_instance([make_frame(1).pixels[::4, ::4]], maker=MAKERS[0])
        self._storescu = find_tool_or_exit("storescu")
        self.acknowledged: set[str] = set()
        self.sent = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            uids = self._write()
            command = [self._storescu, "-v", "-aec", "SCANSIDE", HOST, str(self._agent.port)]
            command += self._files(uids)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            good = len(_ACKNOWLEDGED.findall(done.stdout + done.stderr))
            self.sent += self._batch
            self.acknowledged |= set(uids[:good])  # storescu sends in order and ends at the first failure
            for file in self._files(uids):
                file.unlink()
            time.sleep(self._pause_s)  # no more than the worker can score before the end

    def _files(self, uids: list[str]) -> list[Path]:
        return [self._folder / f"{uid}.dcm" for uid in uids]

    def _write(self) -> list[str]:
        uids = [str(generate_uid()) for _ in range(self._batch)]
        for uid, file in zip(uids, self._files(uids), strict=True):
            dataset = self._template
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
            dataset.save_as(file, enforce_file_format=True)
        return uids


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "bundle").mkdir()
        agent = Agent(folder, make_bundle(folder / "bundle", clinical=False))
        load = Load(folder, agent, args.batch, args.rate)
        try:
            return _run(args, agent, load)
        finally:
            load.stopped.set()
            agent.stop()


def _run(args: argparse.Namespace, agent: Agent, load: Load) -> int:
    chance = random.Random(args.seed)
    load.start()
    killed = collections.Counter[str]()
    end = time.monotonic() + 60 * args.minutes
    while sum(killed.values()) < args.kills and time.monotonic() < end:
        part = PARTS[sum(killed.values()) % len(PARTS)]
        time.sleep(chance.uniform(0.0, args.pause_s))
        agent.keep_alive()
        if (pid := agent.pid(part)) is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed[part] += 1
            agent.process.poll() if part != "supervisor" else agent.process.wait()
    load.stopped.set()
    load.join()
    agent.keep_alive()
    return _report(agent, load, killed)


def _report(agent: Agent, load: Load, killed: "collections.Counter[str]") -> int:
    rows: list[dict[str, object]] = []

    def finished() -> bool:
        agent.keep_alive()
        rows[:] = read_rows(agent.data)
        have = {row["sop_instance_uid"] for row in rows if row["state"] != "pending"}
        return load.acknowledged <= have and not any(row["state"] == "pending" for row in rows)

    try:
        _wait(finished, "the results", _FINISH_S)
    except TimeoutError as error:
        print(error)
    agent.stop()
    results = collections.Counter(str(row["sop_instance_uid"]) for row in rows if row["state"] != "pending")
    states = collections.Counter(str(row["state"]) for row in rows)
    lost = [uid for uid in load.acknowledged if not results[uid]]
    doubled = [uid for uid, count in results.items() if count > 1]
    parts = list((agent.data / "spool" / "incoming").iterdir())
    print(f"killed                   {sum(killed.values())}: {dict(killed)}")
    print(f"sent, acknowledged       {load.sent}, {len(load.acknowledged)}")
    print(f"results by state         {dict(states)}")
    print(f"acknowledged and lost    {len(lost)}")
    print(f"with more than one       {len(doubled)}")
    print(f"files left half-way      {len(parts)}")
    return 0 if load.acknowledged and not lost and not doubled else 1


def _wait(condition, what: str, patience_s: float = 300.0):  # type: ignore[no-untyped-def]
    end = time.monotonic() + patience_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience_s:g} s in vain for {what}")
        time.sleep(0.2)
    return value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many (200)")
    parser.add_argument("--minutes", type=float, default=6.0, help="at most so long, then fewer (6)")
    parser.add_argument("--pause-s", type=float, default=1.0, help="longest pause before each (1)")
    parser.add_argument("--batch", type=int, default=20, help="instances per association (20)")
    parser.add_argument("--rate", type=float, default=15.0, help="instances a second at most (15)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
