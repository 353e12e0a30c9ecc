"""`edge status`, `edge health` and the metrics of a running agent, and of none."""

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from edge.monitor.measures import Histogram, Measures, MetricsServer
from edge.protocol.row import Row
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import edge, wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def echo(port: int) -> None:
    ae = AE("SCANNER")
    ae.add_requested_context(Verification)
    association = ae.associate("127.0.0.1", port, ae_title="SCANSIDE")
    assert association.send_c_echo().Status == 0x0000
    association.release()


def test_what_an_agent_says_of_itself(start_agent: StartAgent, image: MakeImage, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "edge.toml").write_text(f"metrics_port = {port}\n")
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    assert agent.health()["last_contact_at"] is None
    echo(agent.port)
    wait_for(lambda: agent.status()["agent"]["last_contact_at"], "news of the C-ECHO", 10)
    assert agent.health()["last_received_at"] is None and agent.health()["disk_images"] is None
    agent.send(image(1), image(2, frames=2))
    agent.results(3)
    done = edge("status", "--data", agent.data, "--json")
    status = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(status) == {"agent", "processes", "rows", "quarantined", "disk_free_bytes", "warnings"}
    assert status["rows"] == {"scored": 3} and status["warnings"] == []
    assert set(status["processes"]) == {"supervisor", "receiver", "agent", "worker"}
    assert status["processes"]["supervisor"] == agent.process.pid
    sizes = [path.stat().st_size for path in (agent.data / "spool").glob("*.dcm")]
    room_mb = status["agent"]["disk_free_mb"] - status["agent"]["disk_limit_mb"]
    assert status["agent"]["disk_images"] == pytest.approx(room_mb * 2**21 / sum(sizes), rel=0.01)
    told = edge("status", "--data", agent.data).stdout
    assert f"GB free, room for {status['agent']['disk_images'] // 10**4}" in told
    assert told.startswith("ready: SCANSIDE at 127.0.0.1:") and "3 scored; 0 jobs wait" in told
    healthy = edge("health", "--data", agent.data)
    assert (healthy.returncode, healthy.stdout.strip()) == (0, "ready")

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["scanside_ready"] == "1" and values["scanside_received_instances_total"] == "2"
    assert values['scanside_results_total{state="scored"}'] == "3"
    assert values['scanside_restarts_total{process="worker"}'] == "0"
    for stage, count in {"receive": 2, "decode": 3, "prepare": 3, "network": 3, "total": 3}.items():
        assert values[f'scanside_stage_seconds_count{{stage="{stage}"}}'] == str(count)
        assert float(values[f'scanside_stage_seconds_sum{{stage="{stage}"}}']) > 0
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30)
    with pytest.raises(SettingError, match="metrics_port"):
        MetricsServer(port, str)

    assert agent.stop() == 0
    done = edge("health", "--data", agent.data, "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["healthy"] is False
    done = edge("status", "--data", agent.data)
    assert done.returncode == 1 and "no agent answers" in done.stderr


def test_an_agent_that_does_not_score_is_not_healthy(start_agent: StartAgent, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("worker_memory_mb = 1\n")
    agent = start_agent("--config", str(tmp_path / "edge.toml"), state="not scoring")
    done = edge("health", "--data", agent.data)
    assert done.returncode == 1 and "the worker process does not start" in done.stderr
    assert wait_for(lambda: "needed more than 1 MB" in agent.log, "the reason in the log")


def test_a_histogram_is_cumulative() -> None:
    histogram = Histogram()
    for seconds in (0.001, 0.02, 0.02, 100.0):
        histogram.add(seconds)
    lines = dict(line.rsplit(" ", 1) for line in histogram.lines("h", 'stage="s"'))
    assert lines['h_bucket{stage="s",le="0.005"}'] == "1"
    assert lines['h_bucket{stage="s",le="0.025"}'] == lines['h_bucket{stage="s",le="60"}'] == "3"
    assert lines['h_bucket{stage="s",le="+Inf"}'] == lines['h_count{stage="s"}'] == "4"
    assert float(lines['h_sum{stage="s"}']) == pytest.approx(100.041)


def test_a_pending_row_is_no_result() -> None:
    measures = Measures()
    measures.result(Row("1.2", 1))
    status = {
        "agent": {"state": "ready", "queue": 0},
        "disk_free_bytes": 1,
        "quarantined": 0,
        "rows": {},
        "processes": {},
    }
    text = measures.exposition(status)
    assert "scanside_results_total{" not in text and "scanside_stage_seconds_count" not in text
