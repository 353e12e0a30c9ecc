"""The Unix socket DATA/watch.sock that views listen on (docs/watch-protocol.md).

Each viewer has a bounded queue and a thread of its own: one that is slow, stopped or dead is dropped.
"""

import contextlib
import json
import logging
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scanside.errors import SettingError

NAME = "watch.sock"
HEARTBEAT_S = 1.0
_QUEUE_LENGTH = 256
_MAX_ADDRESS_BYTES = 100  # of a Unix socket's address, whose limit is 104 to 108

Message = Mapping[str, Any]
_log = logging.getLogger(__name__)


class EventHub:
    """Tells every viewer what happens.

    Args:
        data: the agent's data folder.
        snapshot: all that a new viewer has to know.
        heartbeat: what all are told every second.

    Raises:
        SettingError: the socket can't be made.
    """

    def __init__(self, data: Path, snapshot: Callable[[], Message], heartbeat: Callable[[], Message]) -> None:
        self._snapshot, self._heartbeat = snapshot, heartbeat
        self._lock = threading.Lock()
        self._viewers: set[_Viewer] = set()
        self._stopped = threading.Event()
        self._path = data / NAME
        self._path.unlink(missing_ok=True)  # the agent's lock is held: what is left is a dead agent's
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            with socket_address(data) as address:
                self._socket.bind(address)
            self._path.chmod(0o600)
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise SettingError(
                f"{self._path} can't be made: {error}. Use a shorter --data folder."
            ) from error

    def start(self) -> None:
        threading.Thread(target=self._accept, name="viewers", daemon=True).start()
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def publish(self, message: Message) -> None:
        """Tell all viewers; never waits for one."""
        line = _line(message)
        with self._lock:
            self._viewers = {viewer for viewer in self._viewers if viewer.tell(line)}

    def resend(self) -> None:
        """Tell all viewers everything anew: rows were taken back."""
        with self._lock:
            if self._viewers:
                line = _line(self._snapshot())
                self._viewers = {viewer for viewer in self._viewers if viewer.tell(line)}

    def close(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)
        with self._lock:
            for viewer in self._viewers:
                viewer.drop()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                if self._stopped.wait(HEARTBEAT_S):  # closed, or out of descriptors for a while
                    return
                continue
            try:
                with self._lock:  # no row may be told between the snapshot and the first event
                    line = _line(self._snapshot())
                    viewer = _Viewer(connection)
                    if viewer.tell(line):
                        self._viewers.add(viewer)
            except Exception:  # a store that can't be read now must not shut views out for good
                _log.exception("no snapshot for a view")
                connection.close()

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT_S):
            self.publish(self._heartbeat())


class _Viewer:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines: queue.Queue[bytes | None] = queue.Queue(_QUEUE_LENGTH)
        threading.Thread(target=self._write, name="viewer", daemon=True).start()

    def tell(self, line: bytes) -> bool:
        """Whether the viewer is still with us."""
        try:
            self._lines.put_nowait(line)
            return self._connection.fileno() >= 0
        except queue.Full:
            self.drop()
            return False

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes the writer
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)

    def _write(self) -> None:
        with self._connection, contextlib.suppress(OSError):
            while (line := self._lines.get()) is not None:
                self._connection.sendall(line)


@contextlib.contextmanager
def socket_address(data: Path, name: str = NAME) -> Iterator[str]:
    """What to bind or connect to; by way of the folder's descriptor (Linux) where the path is too long."""
    address = str(data / name)
    if len(os.fsencode(address)) <= _MAX_ADDRESS_BYTES:
        yield address
        return
    folder = os.open(data, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{name}"
    finally:
        os.close(folder)


def _line(message: Message) -> bytes:
    return json.dumps(message).encode() + b"\n"
