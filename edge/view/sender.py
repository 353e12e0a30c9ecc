"""Entries on their way to the agent: sent from a thread, so that the screen goes on."""

import os
import queue
import socket
import threading
from pathlib import Path

from edge.sockets.control import NAME, ask, by
from edge.view.entry import Entered
from scanside.errors import ScansideError

_ANSWER_S = 10.0


class Sender:
    """Sends entries to the agent on `data`, one after the other.

    Attributes:
        wake: a descriptor that turns readable when there are answers.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._entries: queue.Queue[Entered | None] = queue.Queue()
        self._answers: queue.SimpleQueue[tuple[Entered, str]] = queue.SimpleQueue()
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self.wake = self._reading.fileno()
        self._thread = threading.Thread(target=self._run, name="entries", daemon=True)
        self._thread.start()

    def send(self, entered: Entered) -> None:
        self._entries.put(entered)

    def answers(self) -> list[tuple[Entered, str]]:
        """Entries that were answered since the last time, with the error or an empty text."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        return found

    def finish(self) -> list[tuple[Entered, str]]:
        """Wait for what is on its way, not for ever, and say how it ended."""
        self._entries.put(None)
        self._thread.join(_ANSWER_S)
        return self.answers()

    def _run(self) -> None:
        while (entered := self._entries.get()) is not None:
            self._answers.put((entered, self._error(entered)))
            self._writing.send(b".")

    def _error(self, entered: Entered) -> str:
        try:
            answer = ask(self._data, {**entered.request, "by": by()}, _ANSWER_S)
        except (ScansideError, OSError) as error:
            return str(error)
        return "No agent answers." if answer is None else ""


def refusal(data: Path, read_only: bool) -> str:
    """Why a view of this user may enter nothing; empty when it may, or when no agent runs that says so."""
    if read_only:
        return "This view only reads: it was started with --read-only."
    path = data / NAME
    try:
        closed = path.exists() and not os.access(path, os.W_OK)
    except OSError:
        closed = True
    return f"This view only reads: its user may not write to {path}." if closed else ""
