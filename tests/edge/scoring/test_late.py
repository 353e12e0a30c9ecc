"""An image that waits too long for its result: a warning everywhere, and `edge health` fails."""

import os
import signal
from pathlib import Path
from subprocess import CompletedProcess

from edge.monitor.condition import Health
from edge.protocol.row import now
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import RunningAgent, edge, freeze, wait_for


def test_an_image_that_waits_longer_than_it_may_is_late() -> None:
    health = Health("T", "h", late_after_s=1.0)
    assert health.message(0).waits_s is None and not health.message(0).results_late
    assert not health.message(1, now()).results_late
    late = health.message(1, "2026-01-01T00:00:00.000000+00:00")
    assert late.results_late and late.waits_s > 1


def test_health_fails_while_a_result_is_late(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "edge.toml").write_text("late_after_s = 1.0\n")
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    worker = agent.pid("worker")
    assert worker is not None
    freeze(worker)
    agent.send(image(1))
    late = wait_for(lambda: _late(agent), "a result that is late")
    assert late.returncode == 1 and "s late" in late.stderr
    assert "results" in edge("status", "--data", agent.data).stdout
    os.kill(worker, signal.SIGCONT)
    agent.results(1)
    wait_for(lambda: edge("health", "--data", agent.data).returncode == 0, "health")


def _late(agent: RunningAgent) -> "CompletedProcess[str] | None":
    done = edge("health", "--data", agent.data)
    return done if "late" in done.stderr else None
