"""A real `edge serve` in a process of its own, and other commands of `edge`, for tests."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.commands.send import Sent, send_files
from edge.protocol.json import to_json
from edge.sockets.events import socket_address
from edge.sockets.requests import running
from edge.storage.reading import read_rows

HOST = "127.0.0.1"
PATIENCE_S = 120.0  # far beyond what anything here takes: a test that waits this long has failed
_EDGE = [sys.executable, "-m", "edge.cli"]

Row = dict[str, Any]


def edge(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run one command of `edge` to its end."""
    command = [*_EDGE, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def listen(data: Path) -> Iterator[dict[str, Any]]:
    """The messages of the agent on the folder `data`, from its snapshot on."""
    with socket.socket(socket.AF_UNIX) as connection:
        with socket_address(data) as address:
            connection.connect(address)
        connection.settimeout(PATIENCE_S)
        with connection.makefile("rb") as lines:
            for line in lines:
                yield json.loads(line)


def wait_for(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {patience_s:g} s in vain for {what}"
        time.sleep(0.02)
    return value


class RunningAgent:
    """`edge serve` on a free port; `port` is known once it is ready."""

    def __init__(self, data: Path, bundle: Path, options: Sequence[str] = (), state: str = "ready") -> None:
        self.data = data
        self._arguments = ["serve", "--port", "0", "--data", str(data), "--bundle", str(bundle)]
        self._arguments += ["--allow-test-bundle", *options]
        self._log = data.parent / f"{data.name}.log"
        self.start(state)

    def start(self, state: str = "ready") -> None:
        """Start it, again if need be, and wait for its `state`."""
        wait_for(self.ended, "the end of the processes of before")
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*_EDGE, *self._arguments], cwd=self.data.parent, stdin=subprocess.DEVNULL, stderr=log
            )
        try:
            self.port = wait_for(lambda: self._port(state), f"state {state!r}; log:\n{self.log}")
        except AssertionError:
            self.process.kill()
            raise

    def update(self, bundle: Path, state: str = "ready") -> None:
        """Stop it, and start it with another bundle."""
        assert self.stop() == 0
        self.use(bundle)
        self.start(state)

    def use(self, bundle: Path) -> None:
        """Let the next start be with another bundle."""
        self._arguments[self._arguments.index("--bundle") + 1] = str(bundle)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def health(self) -> dict[str, Any]:
        """The agent's part of a new snapshot."""
        return next(listen(self.data))["agent"]

    def send(self, *files: Path) -> list[Sent]:
        return list(send_files(files, HOST, self.port))

    def results(self, count: int | None = None) -> list[Row]:
        """The rows as they are; with `count`, once there are that many and none is pending."""
        if count is None:
            return list(json.loads(to_json(read_rows(self.data))))

        def complete() -> list[Row] | None:
            rows = list(json.loads(to_json(read_rows(self.data))))
            done = len(rows) >= count and not any(row["state"] == "pending" for row in rows)
            return rows if done else None

        return wait_for(complete, f"{count} results; log:\n{self.log}")

    def workers(self) -> list[int]:
        """Process ids of its worker, if there is one."""
        pid = self.pid("worker")
        return [pid] if pid is not None and alive(pid) else []

    def pid(self, name: str) -> int | None:
        """The process id of the "receiver", the "agent" or the "worker"."""
        return self.status()["processes"][name]["pid"]

    def status(self) -> dict[str, Any]:
        """What `edge status --json` says."""
        return wait_for(lambda: running(self.data, PATIENCE_S), f"an answer; log:\n{self.log}")

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """Take its life, as a power cut would; its processes end by themselves, but not at once."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def ended(self) -> bool:
        """Whether the supervisor, the receiver and the agent of before have ended: none has the lock."""
        try:
            with (self.data / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except FileNotFoundError:
            pass
        return True

    def _port(self, state: str) -> int | None:
        assert self.process.poll() is None, f"the agent ended with {self.process.returncode}:\n{self.log}"
        try:
            health = self.health()
        except (OSError, StopIteration):
            return None
        return health["port"] if health["state"].startswith(state) else None


def freeze(pid: int) -> None:
    """Stop a process, and wait until all its threads have stopped: the signal alone leaves them some time."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: _stopped(pid), f"process {pid} to stop")


def _stopped(pid: int) -> bool:
    try:
        return all(" T " in stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat"))
    except (FileNotFoundError, ProcessLookupError):  # a thread has just ended
        return False


def alive(pid: int) -> bool:
    """Whether a process still runs; one that only waits to be reaped does not (Linux)."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
