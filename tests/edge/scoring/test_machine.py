"""A fault of the machine is tried again until it passes; a fault of the file is not."""

import errno
import os
import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from edge.protocol.row import PENDING, SCORED
from edge.scoring.machine import fault_of_machine
from scanside.errors import RunnerError, Unreadable
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import RunningAgent, edge, freeze, wait_for

PROC = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits the memory of a process (Linux)")


def _from(cause: Exception, error: Exception) -> Exception:
    try:
        raise error from cause
    except Exception as raised:
        return raised


@pytest.mark.parametrize(
    ("error", "is_the_machine_s"),
    [
        (MemoryError(), True),
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (_from(OSError(errno.EIO, "Input/output error"), Unreadable("the image can't be read")), True),
        (_from(MemoryError(), Unreadable("frame 1 can't be decoded")), True),
        (_from(ValueError("marker"), Unreadable("frame 1 can't be decoded")), False),
        (RunnerError("onnxruntime: std::bad_alloc"), True),
        (RunnerError("a risk of NaN"), False),
    ],
)
def test_faults_are_told_apart(error: Exception, is_the_machine_s: bool) -> None:
    assert (fault_of_machine(error) is not None) == is_the_machine_s


@PROC
def test_an_image_that_finds_too_little_memory_is_scored_once_there_is_enough(
    agent: RunningAgent, image: MakeImage
) -> None:
    (worker,) = agent.workers()
    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[0])
    free = resource.prlimit(worker, resource.RLIMIT_AS)
    resource.prlimit(worker, resource.RLIMIT_AS, (pages * resource.getpagesize(), free[1]))
    agent.send(image(1))
    wait_for(lambda: "too little memory" in agent.log or agent.workers() != [worker], "a fault")
    assert [row["state"] for row in agent.results()] in ([PENDING], [SCORED])  # by another worker
    if agent.workers() == [worker]:
        resource.prlimit(worker, resource.RLIMIT_AS, free)
    assert [row["state"] for row in agent.results(1)] == [SCORED]
    assert agent.status()["quarantined"] == 0


@PROC
def test_an_image_that_waits_for_another_try_is_said_while_others_are_scored(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "edge.toml").write_text("late_after_s = 1.0\n")
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    (worker,) = agent.workers()
    pages = int(Path(f"/proc/{worker}/statm").read_text().split()[0])
    free = resource.prlimit(worker, resource.RLIMIT_AS)
    resource.prlimit(worker, resource.RLIMIT_AS, (pages * resource.getpagesize(), free[1]))
    agent.send(image(1))
    wait_for(lambda: "tried again in 8 s" in agent.log or agent.workers() != [worker], "three faults")
    if agent.workers() != [worker]:
        pytest.skip("this machine's codec ends its process for want of memory")
    resource.prlimit(worker, resource.RLIMIT_AS, free)
    agent.send(image(2))
    told = wait_for(lambda: _well_but_waiting(agent), "the second image's result")
    assert told["results_late"]
    done = edge("health", "--data", agent.data)
    assert done.returncode == 1 and "s late; 1 image waits for another try: too little memory" in done.stderr
    assert "! 1 image waits for another try" in edge("watch", "--data", agent.data, "--once").stdout
    assert [row["state"] for row in agent.results(2)] == [SCORED, SCORED]
    wait_for(lambda: not agent.status()["warnings"], "the end of the warning")


def _well_but_waiting(agent: RunningAgent) -> "dict[str, Any] | None":
    told: dict[str, Any] = agent.status()["agent"]
    waits = told["queue"] == 1 and any("another try" in one for one in told["remarks"])
    return told if waits and told["state"] == "ready" else None


@PROC
def test_an_image_whose_worker_is_killed_again_and_again_is_not_put_in_quarantine(
    agent: RunningAgent, image: MakeImage
) -> None:
    (worker,) = agent.workers()
    freeze(worker)
    agent.send(image(1))
    killed: set[int] = set()
    while len(killed) < 4:
        for pid in agent.workers():
            if pid not in killed:
                freeze(pid)
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
    assert [row["state"] for row in agent.results(1)] == [SCORED]
    assert agent.status()["quarantined"] == 0
