"""Processes that live but no longer answer: health says so within ten seconds, and they are replaced."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from edge.monitor.condition import Health
from edge.monitor.probe import Probe
from edge.network.receive import Receiver
from edge.processes.process import Child
from edge.processes.usage import Usage
from edge.settings import Settings
from edge.sockets.control import Control, ask
from edge.storage.spool import Spool
from scanside.errors import ScansideError
from tests.edge.conftest import MakeImage
from tests.edge.running import RunningAgent, alive, edge, freeze, wait_for


@pytest.mark.parametrize("name", ["receiver", "agent"])
def test_a_process_that_is_stopped_is_seen_and_replaced(
    name: str, agent: RunningAgent, image: MakeImage
) -> None:
    before = agent.pid(name)
    assert before is not None
    freeze(before)
    wait_for(lambda: edge("health", "--data", agent.data).returncode == 1, "health that says no")
    wait_for(lambda: not alive(before), "the end of the process")
    wait_for(lambda: edge("health", "--data", agent.data).returncode == 0, "health that says yes")
    assert agent.pid(name) not in (before, None)
    assert f"the {name} process gave no answer" in agent.log
    assert [sent.problem for sent in agent.send(image(1))] == [None]
    agent.results(1)


def test_an_idle_worker_that_is_stopped_is_replaced(agent: RunningAgent) -> None:
    (before,) = agent.workers()
    freeze(before)
    wait_for(lambda: agent.workers() not in ([before], []), "another worker")
    assert "with nothing to do" in agent.log


def test_health_says_when_the_supervisor_no_longer_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health("T", "h")
    health.processes({"port": 1, "last_contact_at": None, "receiver": {"state": "up"}})
    health.is_now("ready")
    assert health.message(0).state == "ready"
    later = time.monotonic() + 7
    monkeypatch.setattr("edge.monitor.condition.time.monotonic", lambda: later)
    assert "the supervisor process gives no answer" in health.message(0).state


@pytest.fixture
def receiver(tmp_path: Path) -> Receiver:
    settings = Settings(data=tmp_path, port=0, check_called_ae_title=True)
    return Receiver(settings, Spool(tmp_path / "spool"), lambda _spooled: None)


def test_the_receiver_calls_its_own_port_and_takes_no_slot_for_it(receiver: Receiver) -> None:
    for _ in range(3):
        receiver.echo()
    assert receiver.sightings.last_contact_at == ""  # it is no scanner
    assert not receiver._server.own_calls and not receiver._server.connections._taken
    receiver.close()
    with pytest.raises((OSError, ScansideError)):
        receiver.echo()


def test_a_receiver_without_a_thread_for_a_connection_answers_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = threading.Thread.start, [3]

    def start_seldom(thread: threading.Thread) -> None:
        if thread.name != "MainThread" and refused[0]:
            refused[0] -= 1
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_seldom)
    for _ in range(3):
        with pytest.raises((OSError, ScansideError)):
            receiver.echo()
    receiver.echo()
    assert receiver.alive and not receiver._server.connections._taken
    receiver.close()


def test_a_control_socket_without_a_thread_for_a_request_answers_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Control(tmp_path, lambda request, _account: {"said": request["do"]})
    control.start()
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "request":
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(ScansideError):
            ask(tmp_path, {"do": "status"}, 5)
    assert ask(tmp_path, {"do": "status"}, 5) == {"said": "status"}
    assert ask(tmp_path, {"do": "ping"}, 5) == {}
    control.close()


def test_a_probe_knows_when_it_last_worked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.monitor.probe.EVERY_S", 0.01)
    works = threading.Event()

    def check() -> None:
        if not works.is_set():
            raise OSError("no disk")

    probe = Probe("a test", check)
    probe.start()
    wait_for(lambda: probe.failures > 2, "failures")
    assert probe.problem == "OSError: no disk"
    works.set()
    wait_for(lambda: probe.failures == 0 and not probe.problem, "success")
    assert probe.age_s < 5
    probe.close()


def test_what_is_slow_is_not_taken_for_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child("receiver", lambda _line: None)
    killed: list[bool] = []
    clock = [100.0]

    class Process:
        pid, exitcode = 1, None

        def is_alive(self) -> bool:
            return True

        def kill(self) -> None:
            killed.append(True)

    busy = [0]
    monkeypatch.setattr("edge.processes.process.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("edge.processes.process.Usage.of", lambda _pid: Usage(clock[0], busy[0], known=True))
    child._process, child._is_up, child.state, child._heard_at = Process(), True, "up", 100.0  # type: ignore[assignment]
    for second in range(1, 30):  # it works, but says nothing
        clock[0], busy[0] = 100.0 + second, second
        child.step()
    assert not killed and "given no answer for 29 s" in child.condition
    for _ in range(4):  # it does nothing any more
        clock[0] += 1
        child.step()
    assert killed == [True]


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_stopped_process_that_goes_on_is_heard_again(agent: RunningAgent) -> None:
    before = agent.pid("receiver")
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    os.kill(before, signal.SIGCONT)
    wait_for(lambda: edge("health", "--data", agent.data).returncode == 0, "health")
    assert agent.pid("receiver") == before
