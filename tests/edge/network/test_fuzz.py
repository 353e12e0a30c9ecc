"""The receiver answers on whatever is sent; benchmarks/fuzz_network.py tries thousands more."""

from pathlib import Path

import pytest

from edge.network.server import Server
from edge.settings import Settings
from tests.edge.network.fuzz import fuzz
from tests.edge.network.scp import AGENT, running

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc (Linux)")


def test_spoilt_conversations_do_no_harm(tmp_path: Path) -> None:
    with running(AGENT, tmp_path, min_free_mb=0) as scp:
        before = scp.resident_bytes(peak=True)
        found = fuzz(scp, 0, 120)
        assert found.problems == []
        assert found.outcomes.total() == 120 and found.outcomes["aborted"] > 20
        assert found.peak_bytes < before + Server.bound_bytes(Settings(max_connections=16))  # 8 at a time


def test_an_echo_waits_for_no_timer(tmp_path: Path) -> None:
    """Threads sleep a quarter of a second unless they are woken; here always one of them is."""
    with running(AGENT, tmp_path) as scp:
        assert min(scp.echo_s(10) or 10 for _ in range(8)) < 0.2
