"""Kills processes of a running agent with SIGKILL at random moments while DCMTK's storescu sends to it.

    python -m benchmarks.kill --kills 200 --minutes 6

At the end every instance that was acknowledged must have exactly one result, under the patient of its file.
One instance comes again and again, with two contents in turn, of two patients: it must show the last one.
Instances are small copies of one scan, scored by a model made for tests: what is measured is the agent, not
the network. Restarts count: a supervisor that was killed is started again at once, as systemd would.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.acknowledged import Load, add_load_arguments, is_scored, look
from edge.sockets.control import ask
from scanside.errors import ScansideError
from tests.synth.bundle import make_bundle

PARTS = ("supervisor", "receiver", "agent", "worker")
_FINISH_S = 300.0


class Agent:
    """`edge serve` that is started again whenever it has ended; `port` stays the same.

    Args:
        folder: for its log, and its data where `data` is not given.
        port: where it listens; 0: a free one.

    Attributes:
        options: further ones of `edge serve`, from its next start on.
    """

    def __init__(self, folder: Path, bundle: Path, data: "Path | None" = None, port: int = 0) -> None:
        self.data, self._bundle, self.port = data or folder / "data", bundle, port
        self.options: list[str] = []
        self._log = (folder / "agent.log").open("ab")
        self.start()
        if not port:
            self.port = int(wait_for(self._port, "the first start"))

    def start(self) -> None:
        options = ["--data", str(self.data), "--bundle", str(self._bundle), "--allow-test-bundle"]
        options += ["--port", str(self.port), *self.options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge.cli", "serve", *options],
            stderr=self._log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end_at_once(self) -> None:
        """Kill the supervisor and all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

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


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "bundle").mkdir()
        agent = Agent(folder, make_bundle(folder / "bundle", clinical=False))
        load = Load(folder, lambda: agent.port, args.batch, args.rate)
        try:
            return _run(args, agent, load)
        finally:
            load.end()
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
    load.end()
    load.join()
    agent.keep_alive()
    return _report(agent, load, killed)


def _report(agent: Agent, load: Load, killed: "collections.Counter[str]") -> int:
    def finished() -> bool:
        agent.keep_alive()
        try:
            return is_scored(agent.data, load)
        except (ScansideError, sqlite3.DatabaseError):  # it has only just been started again
            return False

    try:
        wait_for(finished, "the results", _FINISH_S)
    except TimeoutError as error:
        print(error)
    agent.stop()
    kept = look(agent.data, load)
    told = sum(was_told for _, was_told in load.replacements)
    figures = [
        ("killed", f"{sum(killed.values())}: {dict(killed)}"),
        ("sent, acknowledged", f"{load.sent}, {len(load.acknowledged)}"),
        ("one sent again, acknowledged", f"{len(load.replacements)}, {told}"),
        *kept.lines(),
    ]
    for name, figure in figures:
        print(f"{name:29} {figure}")
    return 0 if load.acknowledged and told and kept.is_whole else 1


def wait_for(condition, what: str, patience_s: float = 300.0):  # type: ignore[no-untyped-def]
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
    add_load_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
