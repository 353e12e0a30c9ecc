"""The agent's end of the protocol without the agent: its two sockets, and what views ask and enter."""

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.sockets.control import Control
from edge.sockets.events import NAME as WATCH
from scanside.errors import SettingError
from tests.edge.view.messages import AGENT, Message, preview, study

Answer = Callable[[Message], Message]


class TinyAgent:
    """Sends `snapshot` to whoever connects, then a heartbeat each second; takes entries.

    Attributes:
        asked: requests for pictures.
        entered: entries.
        refuse: why entries are refused, if they are.
    """

    def __init__(self, data: Path, snapshot: Message) -> None:
        data.mkdir(exist_ok=True)
        self.data, self.snapshot, self.refuse = data, snapshot, ""
        self.asked: list[Message] = []
        self.entered: list[Message] = []
        self._control = Control(data, self._enter)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(data / WATCH))
        self._listening.listen()
        self._views: list[socket.socket] = []
        self._silent = threading.Event()
        self._ended = threading.Event()
        self._path = data / WATCH
        self._control.start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, *messages: Message) -> None:
        line = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
        for view in self._views:
            with contextlib.suppress(BrokenPipeError):  # it left, and is heard of next
                view.sendall(line)

    def silence(self) -> None:
        """No heartbeats from now on; the socket stays open."""
        self._silent.set()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._control.close()
        for each in (self._listening, *self._views):
            each.close()
        self._path.unlink()

    def _run(self) -> None:
        beat = time.monotonic()
        while not self._ended.is_set():
            ready, _, _ = select.select([self._listening, *self._views], [], [], 0.05)
            for source in ready:
                if source is self._listening:
                    view, _ = source.accept()
                    view.sendall(json.dumps(self.snapshot).encode() + b"\n")
                    self._views.append(view)
                else:
                    self._hear(source)
            if time.monotonic() > beat and not self._silent.is_set():
                beat = time.monotonic() + 1
                self.say({"event": "heartbeat", "agent": AGENT})

    def _hear(self, view: socket.socket) -> None:
        try:
            received = view.recv(1 << 16)
        except ConnectionResetError:
            received = b""
        if not received:
            self._views.remove(view)
        for line in received.splitlines():
            asked = json.loads(line)
            self.asked.append(asked)
            about = {key: asked[key] for key in ("sop_instance_uid", "frame", "kind")}
            there = {"picture": preview(), "reason": None}
            if asked["kind"] == "saliency":
                there = {"picture": None, "reason": "this model exports no saliency"}
            self.say({"event": "picture", **about, **there})

    def _enter(self, request: dict[str, Any], _account: str) -> Message:
        self.entered.append(request)
        if self.refuse:
            raise SettingError(self.refuse)
        return {"study": study()}
