"""The view's end of the socket: it finds the agent, loses it, finds it again, and never trusts silence."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.sockets.events import NAME as SOCKET
from edge.view.agent.feed import STALE_AFTER_S, Feed, follow
from edge.view.agent.state import View
from scanside.errors import ScansideError
from tests.edge.view.messages import AGENT, Message, row, snapshot

HEARTBEAT: Message = {"event": "heartbeat", "agent": AGENT}


class Server:
    """An agent's socket, without the agent."""

    def __init__(self, data: Path) -> None:
        (data / SOCKET).unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(data / SOCKET))
        self._listening.listen()
        self._listening.settimeout(10)
        self.connection: socket.socket | None = None

    def accept(self, *messages: Message) -> None:
        self.connection, _ = self._listening.accept()
        self.say(*messages)

    def say(self, *messages: Message) -> None:
        assert self.connection is not None
        self.connection.sendall(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def close(self) -> None:
        self._listening.close()
        if self.connection is not None:
            self.connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    serving = Server(tmp_path)
    yield serving
    serving.close()


def until(views: Iterator[View], in_contact: bool, rows: int | None = None) -> View:
    """The first view that is as wanted; fails after ten seconds."""
    end = time.monotonic() + 10
    for view in views:
        if view.in_contact == in_contact and rows in (None, len(view.rows)):
            return view
        assert time.monotonic() < end, "no such view"
    raise AssertionError("the views ended")


def test_first_says_that_there_is_no_contact(tmp_path: Path) -> None:
    assert next(follow(tmp_path / "not there")) == View()


def test_shows_the_snapshot_then_each_row(server: Server, tmp_path: Path) -> None:
    views = follow(tmp_path)
    threading.Thread(target=server.accept, args=(snapshot(row(1)),)).start()
    assert until(views, True).rows[0].patient_name == "DOE JANE"
    server.say({"event": "row", "row": row(2)}, HEARTBEAT, {"event": "row", "row": row(1, risk=0.2)})
    view = until(views, True, rows=2)
    assert [r.risk for r in view.rows] == [0.2, 0.81]


def test_a_message_may_come_in_pieces(server: Server, tmp_path: Path) -> None:
    views = follow(tmp_path)
    threading.Thread(target=server.accept).start()
    whole = json.dumps(snapshot(row(1))).encode() + b"\n"
    next(views)
    time.sleep(0.1)

    def slowly() -> None:
        assert server.connection is not None
        for start in range(0, len(whole), 100):
            server.connection.sendall(whole[start : start + 100])
            time.sleep(0.01)

    while server.connection is None:
        next(views)
    threading.Thread(target=slowly).start()
    assert until(views, True, rows=1).agent is not None


def test_silence_is_no_contact(server: Server, tmp_path: Path) -> None:
    views = follow(tmp_path)
    threading.Thread(target=server.accept, args=(snapshot(row(1)),)).start()
    until(views, True)
    start = time.monotonic()
    view = until(views, False)
    assert STALE_AFTER_S - 0.2 < time.monotonic() - start < STALE_AFTER_S + 1
    assert view.rows and view.heard_at is not None
    server.say(HEARTBEAT)
    assert until(views, True).rows == view.rows


def test_finds_a_restarted_agent(server: Server, tmp_path: Path) -> None:
    views = follow(tmp_path)
    threading.Thread(target=server.accept, args=(snapshot(row(1)),)).start()
    until(views, True)
    server.close()
    start = time.monotonic()
    until(views, False)
    assert time.monotonic() - start < 0.5  # a closed socket is known at once
    again = Server(tmp_path)
    threading.Thread(target=again.accept, args=(snapshot(row(1), row(2)),)).start()
    assert len(until(views, True).rows) == 2
    again.close()


def test_a_folder_deeper_than_a_socket_address_may_be_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    server = Server(Path())
    threading.Thread(target=server.accept, args=(snapshot(),)).start()
    assert until(follow(deep), True).model is not None
    server.close()


def test_wakes_for_a_new_window_size(server: Server, tmp_path: Path) -> None:
    reading, writing = socket.socketpair()
    with reading, writing:
        views = Feed(tmp_path, [reading.fileno()]).views()
        threading.Thread(target=server.accept, args=(snapshot(),)).start()
        until(views, True)
        writing.send(b"x")
        start = time.monotonic()
        next(views)
        assert time.monotonic() - start < 0.5


@pytest.mark.parametrize(
    "said", [b"not JSON\n", b'{"event": "row", "row": {}}\n', b"[1]\n", b'{"event": "snapshot"}\n']
)
def test_another_protocol_is_an_error_that_says_so(server: Server, tmp_path: Path, said: bytes) -> None:
    views = follow(tmp_path)
    threading.Thread(target=server.accept).start()
    while server.connection is None:
        next(views)
    server.connection.sendall(said)
    with pytest.raises(ScansideError, match=r"agent"):
        until(views, True)
