"""The Unix socket DATA/watch.sock that views listen on, and may ask for pictures (docs/watch-protocol.md).

Each viewer has a bounded queue and threads of its own: one that is slow, stopped or dead is dropped, and one
that asks waits for its own answers alone.
"""

import contextlib
import json
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from edge.protocol.json import to_builtins
from edge.sockets.listening import WATCH, listen_on, uid_of
from edge.sockets.listening import socket_address as socket_address
from scanside.errors import InputError

NAME = WATCH
HEARTBEAT_S = 1.0
_QUEUE_LENGTH = 256
_MAX_REQUEST_BYTES = 4096
_MAX_VIEWERS, _MAX_OF_ONE = 64, 32  # one account can't keep the others out
_ACCEPT_PAUSE_S, _ACCEPT_TIMES = 0.01, 4  # between two views: so long, and as many times what the last took
_ANSWER_PAUSE_S = 0.02  # between two answers to one view: nobody looks faster, and scoring goes on

Message = Mapping[str, Any]
Wanted = Callable[[Message], Message]
_log = logging.getLogger(__name__)


class EventHub:
    """Tells every viewer what happens.

    Args:
        data: the agent's data folder.
        snapshot: all that a new viewer has to know.
        heartbeat: what all are told every second.
        wanted: the answer to what one viewer asks; may take its time, and may raise InputError.
        group: the group whose members may connect too.

    Raises:
        SettingError: the socket can't be made.
    """

    def __init__(
        self,
        data: Path,
        snapshot: Callable[[], Message],
        heartbeat: Callable[[], Message],
        wanted: Wanted | None = None,
        group: str | None = None,
    ) -> None:
        self._snapshot, self._heartbeat, self._wanted = snapshot, heartbeat, wanted
        self._lock = threading.Lock()
        self._viewers: set[_Viewer] = set()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()
        self._path = data / NAME
        self._socket = listen_on(data, NAME, group)

    def start(self) -> None:
        self._threads = [
            threading.Thread(target=self._accept, name="viewers", daemon=True),
            threading.Thread(target=self._beat, name="heartbeat", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def answers(self) -> bool:
        """Whether its threads take views and send heartbeats."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def watched(self) -> bool:
        """Whether there is a viewer to tell anything."""
        return bool(self._viewers)

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
            began = time.monotonic()
            try:
                with self._lock:  # no row may be told between the snapshot and the first event
                    self._viewers = {viewer for viewer in self._viewers if viewer.is_here}
                    uid = uid_of(connection)
                    of_one = sum(viewer.uid == uid for viewer in self._viewers)
                    if len(self._viewers) >= _MAX_VIEWERS or of_one >= _MAX_OF_ONE:
                        connection.close()
                        continue
                    line = _line(self._snapshot())
                    viewer = _Viewer(connection, uid, self._wanted)
                    if viewer.tell(line):
                        self._viewers.add(viewer)
            except Exception:  # a store that can't be read now must not shut views out for good
                _log.exception("no snapshot for a view")
                connection.close()
            finally:  # whoever connects all the time gets a share of the agent, not all of it
                self._stopped.wait(_ACCEPT_PAUSE_S + _ACCEPT_TIMES * (time.monotonic() - began))

    def _beat(self) -> None:
        while not self._stopped.wait(HEARTBEAT_S):
            try:
                self.publish(self._heartbeat())
            except Exception:  # for want of memory, say: the next may pass
                _log.exception("no heartbeat for the views")


class _Viewer:
    def __init__(self, connection: socket.socket, uid: int, wanted: Wanted | None) -> None:
        self._connection, self.uid, self._wanted = connection, uid, wanted
        self._lines: queue.Queue[bytes | threading.Event | None] = queue.Queue(_QUEUE_LENGTH)
        self._gone = threading.Event()
        threading.Thread(target=self._write, name="viewer", daemon=True).start()
        threading.Thread(target=self._read, name="viewer asks", daemon=True).start()

    @property
    def is_here(self) -> bool:
        return not self._gone.is_set()

    def tell(self, line: bytes | threading.Event) -> bool:
        """Whether the viewer is still with us."""
        try:
            self._lines.put_nowait(line)
            return self.is_here
        except queue.Full:
            self.drop()
            return False

    def drop(self) -> None:
        self._gone.set()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes reader and writer
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while not self._gone.is_set() and (line := self._lines.get()) is not None:
                if isinstance(line, bytes):
                    self._connection.sendall(line)
                else:
                    line.set()
        self.drop()  # wakes the reader before its descriptor may become another's
        self._connection.close()

    def _read(self) -> None:
        """Answer one request after the other, the next one once the answer has left."""
        try:
            for line in self._requests():
                if self._wanted is None:
                    raise ValueError("nothing may be asked here")
                sent = threading.Event()
                if not (self.tell(_line(self._wanted(json.loads(line)))) and self.tell(sent)):
                    return
                while not sent.wait(HEARTBEAT_S):
                    if self._gone.is_set():
                        return
                self._gone.wait(_ANSWER_PAUSE_S)
        except OSError:
            return
        except (InputError, ValueError, RecursionError):
            self.drop()
        except Exception:
            _log.exception("a view's request failed")
            self.drop()

    def _requests(self) -> Iterator[bytes]:
        """Whole lines, until the viewer says that it will ask no more.

        Raises:
            ValueError: a line is too long.
        """
        buffer = b""
        while chunk := self._connection.recv(_MAX_REQUEST_BYTES):
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                if len(line) <= _MAX_REQUEST_BYTES:
                    yield line
            if max(map(len, [*lines, buffer])) > _MAX_REQUEST_BYTES:
                raise ValueError("a request is too long")


def _line(message: Message) -> bytes:
    return json.dumps(to_builtins(message)).encode() + b"\n"
