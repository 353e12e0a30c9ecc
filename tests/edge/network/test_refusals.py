"""Who is not let in is audited and counted, and a flood of them stays a few lines."""

import contextlib
import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from edge.monitor.measures import Measures
from edge.network.refusals import SEVERAL, Reason, Refusals
from tests.edge.conftest import StartAgent
from tests.edge.network.peer import Peer
from tests.edge.running import HOST, RunningAgent, wait_for

Told = list[tuple[str, str, str]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def refusals(told: Told) -> Refusals:
    return Refusals(lambda *what: told.append(what))


def _alerts(agent: RunningAgent) -> list[tuple[str, str]]:
    """Address and reason of each refusal in the trail."""
    lines = [
        json.loads(line)
        for path in (agent.data / "audit").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [
        (
            one["ActiveParticipant"][1]["NetworkAccessPointID"],
            one["EventIdentification"]["EventOutcomeDescription"][""],
        )
        for one in lines
        if one["EventIdentification"]["EventID"]["originalText"] == "Security Alert"
    ]


def _connect(port: int, times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(ConnectionError), socket.create_connection((HOST, port)) as connection:
            connection.recv(1)


def _agent(start_agent: StartAgent, folder: Path, *settings: str) -> RunningAgent:
    config = folder / "edge.toml"
    config.write_text("\n".join(settings))
    return start_agent("--config", str(config))


def test_a_flood_from_an_unknown_address_is_two_lines_of_the_trail_and_a_count(
    start_agent: StartAgent, tmp_path: Path
) -> None:
    agent = _agent(start_agent, tmp_path, "[[scanners]]", 'name = "US"', 'addresses = ["10.0.0.0/8"]')
    _connect(agent.port, 300)
    wait_for(lambda: _refused(agent) == {"address": 300}, "the count")
    assert agent.stop() == 0
    first, rest = _alerts(agent)
    assert first == (HOST, "connection refused: no scanner of the settings sends from that address")
    assert rest[0] == HOST and "; 299 more in " in rest[1]
    assert agent.log.count("connection refused") == 2


def test_each_limit_and_title_is_audited(start_agent: StartAgent, tmp_path: Path) -> None:
    agent = _agent(start_agent, tmp_path, "max_connections = 2", "max_associations = 1")
    with Peer(agent.port), Peer(agent.port):
        _connect(agent.port, 1)
    wait_for(lambda: "connections" in _refused(agent), "the refused connection")

    def too_many() -> bool:
        refused = contextlib.suppress(ConnectionError, AssertionError)
        with refused, Peer(agent.port) as one, Peer(agent.port) as two:
            one.associate()
            two.associate()
        return "associations" in _refused(agent)

    def wrong_title() -> bool:
        with contextlib.suppress(ConnectionError, AssertionError), Peer(agent.port) as peer:
            peer.associate(called="OTHER")
        return "called_ae_title" in _refused(agent)

    wait_for(too_many, "the refused association")
    wait_for(wrong_title, "the title's refusal")
    said = " ".join(why for _, why in _alerts(agent))
    assert all(setting in said for setting in ("max_connections", "max_associations", "setting ae_title"))


def test_a_tls_handshake_that_fails_is_audited(
    start_agent: StartAgent, tmp_path: Path, tls_files: dict[str, str], certificates: Path
) -> None:
    agent = _agent(start_agent, tmp_path, *(f'{name} = "{path}"' for name, path in tls_files.items()))
    nobody = ssl.create_default_context(cafile=certificates / "ca.pem")
    with (
        contextlib.suppress(OSError),
        socket.create_connection((HOST, agent.port)) as connection,
        nobody.wrap_socket(connection, server_hostname="localhost") as secured,
    ):
        secured.recv(1)
    wait_for(lambda: _refused(agent) == {"tls": 1}, "the count")
    assert _alerts(agent) == [(HOST, "connection refused: the TLS handshake failed")]


def _refused(agent: RunningAgent) -> dict[str, int]:
    counts: dict[str, int] = agent.status()["processes"]["receiver"]["refused"]
    return counts


def test_many_addresses_share_one_line(refusals: Refusals, told: Told) -> None:
    for number in range(1000):
        refusals.add(Reason.ADDRESS, f"10.0.{number // 250}.{number % 250}")
    assert len(told) == 17 and told[-1][1] == SEVERAL
    refusals.summarise(at_once=True)
    assert len(told) == 18 and "; 983 more in " in told[-1][2]
    assert refusals.counts == {"address": 1000}


def test_a_flood_that_goes_on_is_told_ever_more_rarely(
    refusals: Refusals, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(24 * 60):  # a day
        refusals.add(Reason.CALLING, "10.0.0.1", "US1")
        now += 60.0
        refusals.summarise()
    assert told[0][0] == "US1" and len(told) < 32
    now += 3600.0
    refusals.summarise()
    before = len(told)
    now += 3600.0
    refusals.summarise()
    refusals.add(Reason.CALLING, "10.0.0.1", "US2")  # after some rest it is news again
    assert [what[0] for what in told[before:]] == ["US2"]


def test_metrics_count_them_by_reason() -> None:
    status: dict[str, Any] = {
        "agent": {"state": "ready", "queue": 0},
        "disk_free_bytes": 1,
        "quarantined": 0,
        "rows": {},
        "processes": {"receiver": {"restarts": 0, "refused": {"tls": 2, "address": 3}}},
    }
    lines = Measures().exposition(status).splitlines()
    assert 'scanside_refused_total{reason="address"} 3' in lines
    assert 'scanside_refused_total{reason="tls"} 2' in lines
