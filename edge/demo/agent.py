"""An agent of one's own for the demo: `edge serve` as a child that never outlives its parent's wish."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.processes.lock import locked
from edge.view.agent.feed import follow
from edge.view.terminal import uninterrupted
from scanside.errors import InputError, ScansideError

HOST = "127.0.0.1"
_LOG = "demo-agent.log"
_START_S, _STOP_S = 60.0, 20.0


@contextlib.contextmanager
def running_agent(data: Path, options: Sequence[str]) -> Iterator[int]:
    """Start an agent on the folder `data`, wait until it scores, yield its port, stop it whatever happens.

    Raises:
        InputError: the agent refuses a setting, the folder or the bundle; its own message.
        ScansideError: it fails to start.
    """
    command = [sys.executable, "-m", "edge.cli", "serve", "--port", "0", "--data", str(data), *options]
    with locked(data):  # another agent's view would answer in the child's place, and get the demo's images
        pass
    agent = None
    try:
        with open(data / _LOG, "wb", opener=_private) as log, uninterrupted():
            # A session of its own: Ctrl-C reaches this program alone, which then stops the agent in order.
            agent = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        yield _port_when_ready(agent, data)
    finally:
        if agent is not None:
            _stop(agent)


def _port_when_ready(agent: "subprocess.Popen[bytes]", data: Path) -> int:
    end = time.monotonic() + _START_S
    for view in follow(data):
        state = view.agent.state if view.agent and view.in_contact else "starting"
        if agent.poll() is not None:
            kind = InputError if agent.returncode == InputError.exit_code else ScansideError
            raise kind(_last_line(data / _LOG) or f"the agent ended with code {agent.returncode}.")
        if view.agent and state == "ready":
            return view.agent.port
        if state != "starting":
            raise ScansideError(f"the agent does not score: {state}")
        if time.monotonic() > end:
            raise ScansideError(f"the agent was not ready within {_START_S:.0f} s. See {data / _LOG}.")
    raise AssertionError("a feed never ends")


def _stop(agent: "subprocess.Popen[bytes]") -> None:
    try:
        agent.terminate()
        agent.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):  # what is left of it, its worker included
            os.killpg(agent.pid, signal.SIGKILL)
        agent.wait()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("edge: ") if lines else ""
