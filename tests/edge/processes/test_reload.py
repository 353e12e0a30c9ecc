"""SIGHUP: certificates and what can be are taken over, open associations go on, nothing dies of it."""

import os
import signal
from dataclasses import fields, replace
from pathlib import Path

import pytest

from edge.processes.reload import TAKEN_OVER, reload
from edge.processes.systemd_unit import unit
from edge.scanners import Scanner
from edge.settings import Settings
from edge.storage.spool import Spool
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.network.peer import IMPLICIT, Peer, data, pdu, store_rq
from tests.edge.running import RunningAgent, edge, wait_for
from tests.edge.storage.received import receive

US1 = "[[scanners]]\nname = 'room 1'\naddresses = ['127.0.0.1']\nae_title = 'US1'\n"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def test_what_is_taken_over_holds_for_the_next_and_an_open_association_goes_on(
    start_agent: StartAgent, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("")
    agent = start_agent("--config", str(config))
    pids = [agent.pid(name) for name in ("receiver", "agent", "worker")]

    def reloaded(text: str, said: str) -> None:
        config.write_text(text)
        before = agent.log.count(said)
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: agent.log.count(said) > before, said)

    with Peer(agent.port) as peer:
        peer.associate([(ULTRASOUND, [IMPLICIT])])
        peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 0, b"\x08\x00\x05\x00"))
        reloaded(f"cine_frames = 3\n{US1}", "a restart is needed for: cine_frames")
        assert "taken over: scanners" in agent.log
        wait_for(lambda: _answer(agent.port) == 3, "the new titles")  # A-ASSOCIATE-RJ
        wait_for(lambda: "a restart is needed for: cine_frames" in _warnings(agent), "the warning")
        reloaded(US1.replace("127.0.0.1", "nonsense"), "the former settings stay in use: scanner 'room 1'")
        reloaded(US1[:40], "the former settings stay in use")
        reloaded("", "holds no setting any more. Was it cut off?")
        wait_for(lambda: "Was it cut off?" in _warnings(agent), "the warning")
        assert "Was it cut off?" in edge("health", "--data", agent.data).stdout
        reloaded("no setting = 1", "the former settings stay in use")
        config.unlink()
        agent.process.send_signal(signal.SIGHUP)
        assert _answer(agent.port) == 3
        reloaded("cine_frames = 5", "settings read anew; taken over: scanners\n")
        wait_for(lambda: "cut off" not in _warnings(agent), "the end of the warning")
        wait_for(lambda: _answer(agent.port) == 2, "the former titles")
        peer.send(data(1, 2, bytes(4)))  # the end of what it had begun
        assert peer.status() == 0
    assert [agent.pid(name) for name in ("receiver", "agent", "worker")] == pids
    assert agent.stop() == 0 and "Traceback" not in agent.log


def _warnings(agent: RunningAgent) -> str:
    return "; ".join(agent.status()["warnings"])


def test_an_empty_settings_file_is_said(start_agent: StartAgent, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("# port = 104\n")
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    assert "holds no setting, so everything has its default" in _warnings(agent)
    assert "holds no setting" in edge("health", "--data", agent.data).stdout


def _answer(port: int) -> int:
    with Peer(port) as peer:
        kind = peer.associate([(ULTRASOUND, [IMPLICIT])]).pdu_type
        peer.send(pdu(5, bytes(4)))
        return int(kind)


def test_a_file_that_is_found_after_a_reload_is_named_by_the_settings_of_now(
    start_agent: StartAgent, tmp_path: Path, image: MakeImage
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(US1.replace("US1", ""))
    agent = start_agent("--config", str(config))
    config.write_text(US1.replace("room 1", "room 2").replace("US1", ""))
    agent.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "taken over: scanners" in agent.log, "the reload")
    receive(Spool(agent.data / "spool"), image(1), sender="127.0.0.1")  # nobody tells the agent
    assert [row["scanner"] for row in agent.results(1)] == ["room 2"]
    before = agent.pid("agent")
    assert before is not None
    os.kill(before, signal.SIGKILL)  # the next one has the settings of now, too
    receive(Spool(agent.data / "spool"), image(2), sender="127.0.0.1")
    assert [row["scanner"] for row in agent.results(2)] == ["room 2", "room 2"]


def test_tls_is_switched_on_and_outlives_the_receiver(
    start_agent: StartAgent, tmp_path: Path, tls_files: dict[str, str], certificates: Path, image: MakeImage
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("")
    agent = start_agent("--config", str(config))
    config.write_text("\n".join(f'{name} = "{path}"' for name, path in tls_files.items()))
    agent.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "taken over: tls_certificate, tls_key, tls_ca" in agent.log, "the certificates")
    before = agent.pid("receiver")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: agent.pid("receiver") != before and agent.health()["state"] == "ready", "the receiver")
    send = ("send", image(1), "--port", str(agent.port))
    assert edge(*send).returncode == 1
    assert edge(*send, "--certs", certificates).returncode == 0


def test_settings_are_either_taken_over_or_wait(tmp_path: Path) -> None:
    now = Settings(data=tmp_path)
    scanners = (Scanner("US", ("10.0.0.0/8", "127.0.0.0/8")),)
    new = replace(now, port=1, ae_title="OTHER", scanners=scanners, max_connections=9)
    found = reload(now, lambda: new)
    assert found.taken_over == ["scanners", "max_connections"] and found.restart == ["port", "ae_title"]
    assert found.settings == replace(now, scanners=scanners, max_connections=9)
    assert {one.name for one in fields(Settings)} >= TAKEN_OVER
    with pytest.raises(SettingError, match="set all three"):
        reload(now, lambda: replace(now, tls_ca=tmp_path / "ca.pem"))


def test_the_unit_reloads_by_the_signal() -> None:
    assert "ExecReload=/bin/kill -HUP $MAINPID\n" in unit()
