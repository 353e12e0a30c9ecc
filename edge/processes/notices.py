"""What the other processes tell the agent: a pipe that all of them write to, one JSON text per line.

It carries nothing that may not be lost. A full pipe, or an agent that dies with what it read, costs no
instance: the spool has them all, and the agent looks there too.
"""

import contextlib
import json
import os
import select
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from edge.processes.process import Descriptor
from edge.storage.spool import Spooled

REPEAT_S = 10.0  # how often at least the receiver says what it met
_CHUNK_BYTES = 1 << 16


class Notices:
    """Both ends of the pipe; each process that gets a copy uses one of them."""

    def __init__(self) -> None:
        ends = os.pipe()
        self._reading, self._writing = map(Descriptor, ends)
        os.set_blocking(self._writing.number, False)
        os.set_blocking(self._reading.number, False)
        self._rest = b""

    @property
    def source(self) -> int:
        """What to wait for."""
        return self._reading.number

    def stored(self, spooled: Spooled) -> None:
        """An instance is in the spool."""
        self._tell({"stored": asdict(spooled)})

    def processes(self, states: dict[str, Any]) -> None:
        """How the processes are."""
        self._tell({"processes": states})

    def met(self, scanners: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
        """What was seen of each scanner, and who was refused (docs/operations.md); a line each."""
        for scanner in scanners:
            self._tell({"scanner": scanner})
        for one in reversed(refused):
            self._tell({"refused": one})

    def _tell(self, notice: dict[str, Any]) -> None:
        line = json.dumps(notice).encode() + b"\n"
        if len(line) <= select.PIPE_BUF:  # up to here a line arrives whole, whoever writes beside
            with contextlib.suppress(BlockingIOError):
                os.write(self._writing.number, line)

    def read(self) -> Iterator[dict[str, Any]]:
        """What waits, oldest first; returns when there is no more for now."""
        while True:
            try:
                chunk = os.read(self._reading.number, _CHUNK_BYTES)
            except BlockingIOError:
                return
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:  # an agent before this one died with the first half
                    continue
