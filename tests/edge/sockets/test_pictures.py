"""A view may ask for pictures; whatever it asks, and however, it holds up nobody but itself."""

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.protocol.row import Preview
from edge.scoring.preview import draw_prepared
from edge.sockets.events import EventHub
from edge.sockets.listening import socket_address
from edge.sockets.pictures import answer_picture
from tests.edge.storage.folder import Folder, days_ago

UID = "1.2.1.a"
PNG = cv2.imencode(".png", np.zeros((3, 4), np.uint8))[1].tobytes()
LESION = np.zeros((4, 5), bool)
LESION[1:3, 1:4] = True
INPUT = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
ASKED = {"want": "picture", "sop_instance_uid": UID, "frame": 1, "kind": "preview"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[EventHub]:
    """Of a folder with a scored slide, one that waits, and one that could not be scored."""
    folder = Folder(tmp_path)
    folder.add("a", "ID", "1.1", days_ago(2), pictures=(Preview(PNG, 4, 3, []), draw_prepared(INPUT, LESION)))
    folder.add("w", "ID", "1.1", days_ago(1), done=False)
    folder.add("f", "ID", "1.1", days_ago(0), done=False)
    folder.store.fail(folder.receipt("f.dcm"), "in quarantine")
    made = EventHub(
        tmp_path,
        lambda: {"event": "snapshot"},
        lambda: {"event": "heartbeat"},
        partial(answer_picture, folder.store),
    )
    made.start()
    yield made
    made.close()
    folder.store.close()


class View:
    """A view with a socket of its own."""

    def __init__(self, data: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        with socket_address(data) as address:
            self.socket.connect(address)
        self._lines = self.socket.makefile("rb")

    def ask(self, **more: Any) -> dict[str, Any]:
        self.socket.sendall(json.dumps({**ASKED, **more}).encode() + b"\n")
        return self.next("picture")

    def next(self, event: str) -> dict[str, Any]:
        for line in self._lines:
            message: dict[str, Any] = json.loads(line)
            if message["event"] == event:
                return message
        raise ConnectionError("cut off")


def decoded(preview: dict[str, Any]) -> Any:
    found = cv2.imdecode(np.frombuffer(base64.b64decode(preview["png"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.shape == (preview["height"], preview["width"])
    return found


@pytest.mark.usefixtures("hub")
def test_who_asks_is_answered_and_nobody_else(tmp_path: Path) -> None:
    view, other = View(tmp_path), View(tmp_path)
    other.next("heartbeat")
    shown = view.ask()
    assert {key: shown[key] for key in ("sop_instance_uid", "frame", "kind", "reason")} == {
        "sop_instance_uid": UID, "frame": 1, "kind": "preview", "reason": None,
    }  # fmt: skip
    assert decoded(shown["picture"]).shape == (3, 4)
    assert shown["image_digest"] == view.ask(kind="prepared")["image_digest"] == "a"
    saw = view.ask(kind="prepared")["picture"]
    prepared = decoded(saw)
    assert saw["outline"] == [[[1, 1], [1, 2], [3, 2], [3, 1]]] and saw["annotations"] == []
    assert np.array_equal(prepared, np.rint(INPUT * 255))
    for asked, reason in (
        ({"kind": "saliency"}, "this model exports no saliency"),
        ({"frame": 2}, "no such slide is held"),
        ({"sop_instance_uid": "1.2.1.w"}, "it waits for its result"),
        ({"sop_instance_uid": "1.2.1.f"}, "in quarantine"),
        ({"sop_instance_uid": "1.2.1.f", "kind": "prepared"}, "in quarantine"),
        ({"sop_instance_uid": "'; DROP TABLE frames"}, "no such slide is held"),
    ):
        answer = view.ask(**asked)
        assert (answer["picture"], answer["reason"], answer["image_digest"]) == (None, reason, None)
    seen = [other.next("heartbeat")["event"] for _ in range(2)]
    assert seen == ["heartbeat"] * 2


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * 5000,
        b"x" * 5000 + b"\n",
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xfe\x00\n",
        b"[" * 4000 + b"\n",
        b"null\n",
        b"[]\n",
        json.dumps({**ASKED, "want": "purge"}).encode() + b"\n",
        json.dumps({**ASKED, "kind": "pixels"}).encode() + b"\n",
        json.dumps({**ASKED, "frame": True}).encode() + b"\n",
        json.dumps({**ASKED, "frame": 0}).encode() + b"\n",
        json.dumps({**ASKED, "frame": 10**30}).encode() + b"\n",
        json.dumps({**ASKED, "sop_instance_uid": ["1"]}).encode() + b"\n",
        json.dumps({**ASKED, "sop_instance_uid": "\ud800"}).encode() + b"\n",
        json.dumps({"do": "purge", "by": "x", "dry": False, "patient": "ID", "study": None}).encode() + b"\n",
    ],
    ids=lambda sent: repr(sent[:20]),
)
@pytest.mark.usefixtures("hub")
def test_what_is_no_request_ends_that_view_alone(sent: bytes, tmp_path: Path) -> None:
    good, bad = View(tmp_path), View(tmp_path)
    bad.next("snapshot")
    bad.socket.sendall(sent)
    with pytest.raises(ConnectionError):
        for _ in range(5):
            bad.next("heartbeat")
    good.next("heartbeat")
    assert good.ask()["picture"]


@pytest.mark.parametrize("ending", ["half a line", "no more to ask"])
@pytest.mark.usefixtures("hub")
def test_a_view_that_falls_silent_goes_on_hearing(ending: str, tmp_path: Path) -> None:
    view = View(tmp_path)
    view.next("snapshot")
    if ending == "half a line":
        view.socket.sendall(b'{"want": "pic')
    else:
        view.socket.shutdown(socket.SHUT_WR)
    for _ in range(3):
        view.next("heartbeat")


def test_a_thousand_requests_at_once_hold_nobody_up(hub: EventHub, tmp_path: Path) -> None:
    greedy, deaf, good = View(tmp_path), View(tmp_path), View(tmp_path)
    good.next("snapshot")
    flood = (json.dumps(ASKED).encode() + b"\n") * 1000
    for view in (greedy, deaf):
        threading.Thread(target=view.socket.sendall, args=(flood,), daemon=True).start()
    answered = 0
    longest = 0.0
    for number in range(50):
        start = time.monotonic()
        hub.publish({"event": "row", "number": number})
        assert good.next("row")["number"] == number
        longest = max(longest, time.monotonic() - start)
    start = time.monotonic()
    while answered < 100:
        greedy.next("picture")
        answered += 1
    assert longest < 2
    assert time.monotonic() - start > 1  # as often as nobody can look, not as often as the machine can
    assert good.ask()["picture"]
    for view in (greedy, deaf, good):
        view.socket.close()


@pytest.mark.usefixtures("hub")
def test_there_is_an_end_to_the_number_of_views(tmp_path: Path) -> None:
    views = [View(tmp_path) for _ in range(32)]  # of one account
    assert views[-1].next("snapshot")
    with pytest.raises(ConnectionError):
        View(tmp_path).next("snapshot")
    for view in views:
        view.socket.close()


def test_who_connects_all_the_time_gets_a_share_of_the_agent(tmp_path: Path) -> None:
    asked: list[float] = []

    def slow() -> dict[str, Any]:
        asked.append(time.monotonic())
        time.sleep(0.02)  # a snapshot of a full index
        return {"event": "snapshot"}

    hub = EventHub(tmp_path, slow, lambda: {"event": "heartbeat"})
    hub.start()
    start = time.monotonic()
    while time.monotonic() - start < 1:
        with contextlib.suppress(OSError):
            View(tmp_path).socket.close()
        time.sleep(0.001)
    hub.close()
    assert 2 < len(asked) < 15
