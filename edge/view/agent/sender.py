"""Entries on their way to the agent: sent from a thread, so that the screen goes on."""

import os
import queue
import socket
import threading
from pathlib import Path

from edge.sockets.control import NAME, ask, by
from edge.view.focus.entry import Entered
from scanside.errors import InputError, ScansideError

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
        self._open: list[Entered] = []
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self.wake = self._reading.fileno()
        self._thread = threading.Thread(target=self._run, name="entries", daemon=True)
        self._thread.start()

    def send(self, entered: Entered) -> None:
        self._open.append(entered)
        self._entries.put(entered)

    def answers(self) -> list[tuple[Entered, str]]:
        """Entries that were answered since the last time, with what went wrong or an empty text."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
            self._open.remove(found[-1][0])
        return found

    def finish(self) -> list[tuple[Entered, str]]:
        """Wait for what is on its way, not for ever, and say how it ended."""
        self._entries.put(None)
        self._thread.join(_ANSWER_S)
        found = self.answers()
        return found + [(entered, f"NO ANSWER YET: {entered.text}.") for entered in self._open]

    def _run(self) -> None:
        while (entered := self._entries.get()) is not None:
            self._answers.put((entered, self._problem(entered)))
            self._writing.send(b".")

    def _problem(self, entered: Entered) -> str:
        """Only a refusal says for sure that it was not entered."""
        try:
            answer = ask(self._data, {**entered.request, "by": by()}, _ANSWER_S)
        except InputError as error:
            return f"NOT ENTERED: {entered.text}. {error}"
        except (ScansideError, OSError) as error:
            return f"NOT CONFIRMED: {entered.text}. {error}"
        return f"NOT ENTERED: {entered.text}. No agent answers." if answer is None else ""


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
