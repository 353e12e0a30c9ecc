"""The view's end of the agent's Unix socket (docs/watch-protocol.md): a `View` after each thing heard."""

import json
import select
import socket
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from edge.sockets.events import NAME, socket_address
from edge.view.agent.messages import Message, SlideKey
from edge.view.agent.state import View
from scanside.errors import ScansideError, SettingError

STALE_AFTER_S = 1.9  # the agent's heart beats once a second; said on the screen within two
_RETRY_S = 0.5
_CHUNK_BYTES = 1 << 20


class Wanted(NamedTuple):
    """A picture to ask for; `image` is the digest of the one that it is to show."""

    slide: SlideKey
    kind: str
    image: str = ""


def follow(data: Path) -> Iterator[View]:
    """Views of the agent on the data folder `data`, without end, at least one every two seconds."""
    return Feed(data).views()


class Feed:
    """What the agent on a data folder says; keeps trying while there is no agent.

    Args:
        data: the agent's data folder; need not exist yet.
        wake: descriptors of which each is reported at once when it turns readable; the caller reads them.
    """

    def __init__(self, data: Path, wake: Sequence[int] = ()) -> None:
        self._data, self._wake = data, wake
        self._connection: socket.socket | None = None
        self._asked: Wanted | None = None

    def views(self) -> Iterator[View]:
        """Views, without end; one that was not heard of for STALE_AFTER_S is not in contact.

        Raises:
            ScansideError: what answers does not speak this version's protocol.
            SettingError: this account may not connect.
        """
        view = View()
        yield view
        for messages in self.messages():
            view = view.lost() if messages is None else view
            for message in messages or ():
                view = view.heard(message, datetime.now().astimezone())
            yield view

    def messages(self) -> Iterator[list[Message] | None]:
        """What was said since the last time, perhaps nothing; None when there is no contact.

        Raises:
            ScansideError: it is no JSON.
            SettingError: this account may not connect.
        """
        refused = False
        while True:
            try:
                self._connection, refused = _connect(self._data), False
            except PermissionError as error:
                if refused:  # twice: a socket is there a moment before its group may use it
                    raise SettingError(
                        f"{self._data / NAME}: {error.strerror}. Be the agent's user, or of its watch_group."
                    ) from error
                refused = True
            self._asked = None
            if self._connection is not None:
                with self._connection as connection:
                    yield from self._listen(connection)
            self._connection = None
            yield None
            self._wait([], _RETRY_S)

    def want(self, picture: Wanted | None) -> None:
        """Ask for that picture, once as long as it is the same that is wanted."""
        if self._connection is None or picture == self._asked:
            return
        if picture is not None:
            instance, frame = picture.slide
            request = {"want": "picture", "sop_instance_uid": instance, "frame": frame, "kind": picture.kind}
            try:  # so short a line goes whole or not at all
                self._connection.send(json.dumps(request).encode() + b"\n", socket.MSG_DONTWAIT)
            except OSError:
                return
        self._asked = picture

    def _listen(self, connection: socket.socket) -> Iterator[list[Message] | None]:
        buffer = b""
        heard, silent = time.monotonic(), False
        while True:
            left = STALE_AFTER_S if silent else heard + STALE_AFTER_S - time.monotonic()
            messages: list[Message] = []
            if self._wait([connection], max(0.0, left)):
                try:
                    received = connection.recv(_CHUNK_BYTES)
                except OSError:
                    return
                if not received:
                    return
                *lines, buffer = (buffer + received).split(b"\n")
                messages = [_parse(line) for line in lines]
                heard = time.monotonic() if messages else heard
            silent = time.monotonic() - heard >= STALE_AFTER_S
            yield None if silent else messages

    def _wait(self, sources: list[socket.socket], timeout_s: float) -> bool:
        """Wait for one of `sources`, for what wakes or for the time; say whether it was one of `sources`."""
        descriptors = [source.fileno() for source in sources]
        ready, _, _ = select.select([*descriptors, *self._wake], [], [], timeout_s)
        return any(descriptor in ready for descriptor in descriptors)


def _parse(line: bytes) -> Message:
    try:
        message: Message = json.loads(line)
    except ValueError as error:
        raise ScansideError(f"what answers on the agent's socket is not the agent: {error}") from error
    return message


def _connect(data: Path) -> socket.socket | None:
    """A connection to the agent on `data`, or None when none answers.

    Raises:
        PermissionError: this account may not connect.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        with socket_address(data) as address:
            connection.connect(address)
    except OSError as error:
        connection.close()
        if isinstance(error, PermissionError):
            raise
        return None
    return connection
