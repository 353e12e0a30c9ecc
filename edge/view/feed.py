"""The view's end of the agent's Unix socket (docs/watch-protocol.md): a `View` after each thing heard."""

import json
import os
import select
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from edge.sockets.events import socket_address
from edge.view.messages import Message
from edge.view.state import View
from scanside.errors import ScansideError

STALE_AFTER_S = 2.0  # the agent's heart beats once a second
_RETRY_S = 0.5
_CHUNK_BYTES = 1 << 20


def follow(data: Path, wake: int | None = None) -> Iterator[View]:
    """Views of the agent on the data folder `data`, without end, at least one every two seconds.

    Keeps trying while there is no agent; a view that was not heard of for STALE_AFTER_S is not in contact.

    Args:
        data: the agent's data folder; need not exist yet.
        wake: a file descriptor; when it turns readable, the view is yielded again at once.

    Raises:
        ScansideError: what answers does not speak this version's protocol.
    """
    view = View()
    yield view
    while True:
        connection = _connect(data)
        if connection is not None:
            with connection:
                for heard in _listen(connection, view, wake):
                    view = heard
                    yield view
        view = view.lost()
        yield view
        _wait([], wake, _RETRY_S)


def _listen(connection: socket.socket, view: View, wake: int | None) -> Iterator[View]:
    buffer = b""
    heard = time.monotonic()
    while True:
        left = heard + STALE_AFTER_S - time.monotonic()
        if _wait([connection], wake, max(0.0, left) if view.in_contact else STALE_AFTER_S):
            try:
                received = connection.recv(_CHUNK_BYTES)
            except OSError:
                return
            if not received:
                return
            *lines, buffer = (buffer + received).split(b"\n")
            for line in lines:
                view = view.heard(_parse(line), datetime.now().astimezone())
                heard = time.monotonic()
        if time.monotonic() - heard >= STALE_AFTER_S:
            view = view.lost()
        yield view


def _parse(line: bytes) -> Message:
    try:
        message: Message = json.loads(line)
    except ValueError as error:
        raise ScansideError(f"what answers on the agent's socket is not the agent: {error}") from error
    return message


def _connect(data: Path) -> socket.socket | None:
    """A connection to the agent on `data`, or None when none answers."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with socket_address(data) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        return None
    return connection


def _wait(sources: list[socket.socket], wake: int | None, timeout_s: float) -> bool:
    """Wait for one of `sources`, for `wake` or for the time; say whether it was one of `sources`."""
    descriptors = [source.fileno() for source in sources]
    ready, _, _ = select.select(descriptors + ([] if wake is None else [wake]), [], [], timeout_s)
    if wake is not None and wake in ready:
        os.read(wake, _CHUNK_BYTES)
    return any(descriptor in ready for descriptor in descriptors)
