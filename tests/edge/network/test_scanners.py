"""What is said of each scanner: when it was seen, how much came of it, who was refused, who is silent."""

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE

from edge.monitor.condition import Health
from edge.monitor.remarks import remarks
from edge.network.refusals import Reason, Refusals
from edge.network.sightings import Sightings
from edge.protocol.agent import RefusedPeer, ScannerState
from edge.protocol.json import from_builtins
from edge.scanners import Scanner
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.network.peer import IMPLICIT, Peer
from tests.edge.running import HOST, RunningAgent, edge, wait_for

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
CONFIG = """
[[scanners]]
name = "room 1"
addresses = ["127.0.0.1"]
ae_title = "US1"

[[scanners]]
name = "room 2"
addresses = ["127.0.0.1", "10.1.2.3"]
ae_title = "US2"
"""
NOON = "2026-12-01T12:00:00.000000+00:00"


def _send(agent: RunningAgent, path: Path, title: str) -> None:
    dataset = pydicom.dcmread(path)
    ae = AE(title)
    ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
    association = ae.associate(HOST, agent.port, ae_title="SCANSIDE")
    assert association.is_established and association.send_c_store(dataset).Status == 0
    association.release()


def test_rows_status_and_view_name_the_scanner(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    (tmp_path / "edge.toml").write_text(CONFIG)
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    _send(agent, image(1), "US1")
    _send(agent, image(2), "US2")
    _send(agent, image(3), "US2")
    assert [row["scanner"] for row in agent.results(3)] == ["room 1", "room 2", "room 2"]
    with Peer(agent.port) as peer:
        peer.associate([(ULTRASOUND, [IMPLICIT])], calling="US9")
    with Peer(agent.port) as peer:
        peer.associate([(ULTRASOUND, [IMPLICIT])], calling="US1", called="OTHER")

    def counts() -> list[tuple[Any, ...]]:
        told = agent.status()["agent"]["scanners"]
        return [(one["name"], one["last_title"], one["associations"], one["images"]) for one in told]

    wait_for(lambda: counts() == [("room 1", "US1", 1, 1), ("room 2", "US2", 2, 2)], "the counts")
    wait_for(lambda: len(agent.status()["agent"]["refused"]) == 2, "the refusals")
    told = edge("status", "--data", agent.data).stdout
    assert "scanner    room 1: seen 20" in told
    assert "as 'US1' from 127.0.0.1; 1 association, 1 image since the start" in told
    unknown = "'US9' of 127.0.0.1: association rejected: no scanner of the settings has that title"
    assert f"refused    {unknown}" in told and f"! {unknown}" in told
    assert unknown in edge("health", "--data", agent.data).stdout
    assert "'US1' of 127.0.0.1: association rejected: that is not this agent's title" in told
    seen = edge("watch", "--data", agent.data, "--once").stdout
    assert " ! 'US1' of 127.0.0.1: association rejected" in seen

    agent.kill()  # what follows hangs on the files and the index alone
    (agent.data / "results.sqlite").unlink()
    agent.start()
    assert {row["scanner"] for row in agent.results(3)} == {"room 1", "room 2"}
    wait_for(lambda: all(one["last_seen_at"] for one in agent.status()["agent"]["scanners"]), "last sight")


def test_sightings_follow_the_settings() -> None:
    one, two = Scanner("room 1", ("10.1.0.1",)), Scanner("room 2", ("10.1.0.2",))
    sightings = Sightings([one])
    sightings.contact(one, r"US1\x00", "10.1.0.1", associated=True)
    sightings.contact(one, "US1", "10.1.0.1", associated=False)
    sightings.contact(None, "CHECK", "10.1.0.9", associated=True)
    (told,) = sightings.scanners()
    assert (told["associations"], told["images"], told["last_title"]) == (1, 0, "US1")
    assert told["last_seen_at"] < sightings.last_contact_at
    sightings.take_over([two])
    assert [(told["name"], told["last_seen_at"]) for told in sightings.scanners()] == [("room 2", None)]


def test_who_was_refused_last_is_remembered_in_bounded_space() -> None:
    refusals = Refusals()
    for number in range(40):
        refusals.add(Reason.ADDRESS, f"10.0.0.{number}")
    refusals.add(Reason.CALLING, "10.0.0.1", r"US1\x00")
    refusals.add(Reason.CALLING, "10.0.0.1", r"US1\x00")
    newest, *others = refusals.latest
    assert (newest["who"], newest["count"], newest["title"]) == (r"'US1\x00' of 10.0.0.1", 2, r"US1\x00")
    assert [one["address"] for one in others] == [f"10.0.0.{number}" for number in range(39, 24, -1)]


def test_a_peer_that_is_let_in_now_is_no_longer_said_to_be_refused() -> None:
    refusals = Refusals()
    for address, title in (("10.0.0.1", ""), ("10.0.0.1", "US1"), ("10.0.0.1", "US2"), ("10.0.0.2", "US1")):
        refusals.add(Reason.CALLING if title else Reason.ADDRESS, address, title)
    refusals.accepted("10.0.0.1", "US1")
    assert [one["who"] for one in refusals.latest] == ["'US1' of 10.0.0.2", "'US2' of 10.0.0.1"]


def _seen(name: str, last_seen_at: str | None, silent_after_h: float = 3.0) -> dict[str, Any]:
    return {"name": name, "last_seen_at": last_seen_at, "silent_after_h": silent_after_h}


@pytest.mark.parametrize(
    ("scanner", "said"),
    [
        (_seen("US1", "2026-12-01T08:50:00+00:00"), ["scanner US1: nothing for 3 h"]),
        (_seen("US1", "2026-12-01T09:10:00+00:00"), []),
        (_seen("US1", "2026-11-28T12:00:00+00:00"), ["scanner US1: nothing for 3 days"]),
        (_seen("US1", "2026-11-28T12:00:00+00:00", 0.0), []),
        (_seen("US1", None), ["scanner US1: nothing for 5 h"]),  # since the agent's start
    ],
)
def test_silence_is_said(scanner: dict[str, Any], said: list[str]) -> None:
    assert remarks("", [from_builtins(scanner, ScannerState)], [], "2026-12-01T07:00:00+00:00", NOON) == said


def test_a_refusal_is_a_remark_for_an_hour() -> None:
    def refused(who: str, last_at: str) -> RefusedPeer:
        return RefusedPeer(who, who, "", "refused", 1, last_at)

    old = refused("10.0.0.1", "2026-12-01T10:59:00+00:00")
    new = refused("10.0.0.2", "2026-12-01T11:01:00+00:00")
    assert remarks("cut off", [], [new, old], NOON, NOON) == ["cut off", "10.0.0.2: refused"]
    assert remarks("", [], [new] * 9, NOON, NOON)[-1] == "5 others were refused; see: edge status"


def test_an_agent_that_goes_on_knows_when_a_scanner_was_last_seen() -> None:
    health = Health("SCANSIDE", HOST)
    health.seen_before("US1", NOON)
    health.met({**_seen("US1", None), "addresses": [HOST]})
    assert health.message(0).scanners[0].last_seen_at == NOON
    health.met({**_seen("US1", "2026-12-01T12:30:00.000000+00:00"), "addresses": [HOST]})
    assert health.message(0).scanners[0].last_seen_at == "2026-12-01T12:30:00.000000+00:00"
