"""The processes of `edge serve`: each may die at any time, the others go on, and it stops in order."""

import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from edge.network.server import Server
from edge.processes.notices import Notices
from edge.processes.process import Descriptor, Line
from edge.processes.receiver import receive
from edge.protocol.row import SCORED
from edge.settings import Settings
from edge.storage.spool import Spooled
from scanside.errors import ScansideError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import HOST, RunningAgent, alive, edge, freeze, listen, wait_for
from tests.outside import needs_tools, require_tool


def test_a_killed_receiver_is_started_again_on_its_port_and_the_view_says_so(
    agent: RunningAgent, image: MakeImage
) -> None:
    messages = listen(agent.data)
    before = agent.pid("receiver")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    states = (message["agent"]["state"] for message in messages if "agent" in message)
    said = next(state for state in states if state != "ready")
    assert said == "not receiving: the receiver process was killed by signal 9 and is started again"
    assert next(state for state in states if state == "ready")
    assert agent.pid("receiver") != before and agent.status()["processes"]["receiver"]["restarts"] == 1
    assert [sent.problem for sent in agent.send(image(1))] == [None]  # the port is the one of before
    assert [row["state"] for row in agent.results(1)] == [SCORED]


def test_while_the_agent_process_is_dead_images_are_acknowledged_and_scored_later(
    agent: RunningAgent, image: MakeImage
) -> None:
    agent.send(image(1))
    agent.results(1)
    before, worker = agent.pid("agent"), agent.pid("worker")
    assert before is not None and worker is not None
    freeze(before)
    assert [sent.problem for sent in agent.send(image(2))] == [None]  # nobody but the receiver was asked
    os.kill(before, signal.SIGKILL)
    assert [sent.problem for sent in agent.send(image(3))] == [None]
    assert {row["state"] for row in agent.results(3)} == {SCORED}
    wait_for(lambda: not alive(worker), "the end of the worker of the agent that died")
    assert agent.pid("agent") != before


def test_what_no_notice_told_of_is_found_in_the_spool(
    agent: RunningAgent, image: MakeImage, start_agent: StartAgent
) -> None:
    agent.send(image(1))
    agent.results(1)
    other = start_agent()
    (file,) = (agent.data / "spool").glob("*.dcm")
    (other.data / "spool" / file.name).write_bytes(file.read_bytes())
    assert [row["state"] for row in other.results(1)] == [SCORED]


def test_notices_outlast_a_reader_that_dies_and_a_full_pipe_drops_them() -> None:
    notices = Notices()
    one = Spooled("a.dcm", "1.2", "2026-01-01T00:00:00.000000+00:00")
    os.write(notices._writing.number, b'lf a line"}\n')  # its first half went with a dead reader
    notices.stored(one)
    notices.stored(Spooled("b.dcm", "9" * 10_000, one.received_at))  # longer than what arrives whole
    assert [notice["stored"]["file"] for notice in notices.read()] == ["a.dcm"]
    for _ in range(10_000):
        notices.stored(one)  # never waits
    read = list(notices.read())
    assert 100 < len(read) < 10_000 and all(notice == read[0] for notice in read)


@needs_tools("storescu")
def test_stopping_lets_an_open_association_finish_and_takes_no_other(
    agent: RunningAgent, image: MakeImage
) -> None:
    receiver = agent.pid("receiver")
    assert receiver is not None
    many = [image(7 + number) for number in range(6)]
    sender = subprocess.Popen(
        [require_tool("storescu"), "-v", "-R", "+C", "-aec", "SCANSIDE", HOST, str(agent.port), *many],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(lambda: list((agent.data / "spool").glob("*.dcm")), "the first image")
    agent.process.terminate()
    said = sender.communicate(timeout=60)[0]
    assert sender.returncode == 0, said
    assert agent.process.wait(60) == 0
    assert len(list((agent.data / "spool").glob("*.dcm"))) == len(many)
    with socket.socket() as late:
        assert late.connect_ex((HOST, agent.port)) != 0
    assert agent.log.count("stopping") == 1


def test_a_second_signal_ends_it_at_once(agent: RunningAgent, image: MakeImage) -> None:
    worker = agent.pid("worker")
    pids = [pid for name in ("receiver", "agent") if (pid := agent.pid(name))]
    assert worker is not None
    freeze(worker)
    agent.send(image(1))
    wait_for(lambda: agent.results(), "a row")
    agent.process.terminate()
    wait_for(lambda: "stopping" in agent.log, "the agent to stop")
    time.sleep(0.2)
    assert agent.process.poll() is None  # it waits for the frame that the worker has
    agent.process.terminate()
    assert agent.process.wait(10) == 0
    assert not any(map(alive, pids))
    os.kill(worker, signal.SIGCONT)
    agent.start()
    assert [row["state"] for row in agent.results(1)] == [SCORED]


def test_without_their_supervisor_the_processes_end_and_until_then_the_folder_is_theirs(
    agent: RunningAgent, bundle: Path
) -> None:
    pids = [pid for name in ("receiver", "agent", "worker") if (pid := agent.pid(name))]
    receiver = pids[0]
    freeze(receiver)
    agent.kill()
    options = ("--data", agent.data, "--port", "0", "--bundle", bundle, "--allow-test-bundle")
    done = edge("serve", *options)
    assert done.returncode == 1 and "another agent uses" in done.stderr
    os.kill(receiver, signal.SIGCONT)
    wait_for(lambda: not any(map(alive, pids)), "the end of all of them")
    agent.start()
    assert agent.health()["state"] == "ready"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_receiver_that_no_longer_accepts_makes_room_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_server: Server) -> None:
        raise RuntimeError("a fault of the program")

    monkeypatch.setattr(Server, "service_actions", fail)
    theirs, ours = multiprocessing.Pipe()
    with pytest.raises(ScansideError, match="no longer accepts"):
        receive(Line(theirs), Settings(data=tmp_path, port=0), Notices(), Descriptor(0))
    assert ours.recv().port  # it was up before


def test_systemd_is_told_ready_stopping_and_its_watchdog(
    tmp_path: Path, start_agent: StartAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        told: list[str] = []

        def hear() -> None:
            while "STOPPING=1" not in told:
                told.extend(systemd.recv(4096).decode().splitlines())

        hearing = threading.Thread(target=hear, daemon=True)
        hearing.start()
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        agent = start_agent()
        assert "READY=1" in told
        before = told.count("WATCHDOG=1")
        wait_for(lambda: told.count("WATCHDOG=1") > before + 2, "the watchdog's due")
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: told[-1:] != [] and told.count("READY=1") == 2, "the end of the reload")
        assert told.index("RELOADING=1") > told.index("READY=1")
        assert agent.stop() == 0
        hearing.join(60)
    assert "STOPPING=1" in told and "STATUS=receiver up; agent up" in told
