"""How much processor time a process has used: one that is slow uses some, one that hangs none."""

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What a process has used until now.

    Attributes:
        at: when it was read, seconds of the monotonic clock.
        busy: processor time, clock ticks.
        known: whether the system says it (Linux).
    """

    at: float
    busy: int
    known: bool

    @staticmethod
    def of(pid: int | None) -> "Usage":
        now = time.monotonic()
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return Usage(now, int(fields[11]) + int(fields[12]), True)
        except (OSError, IndexError, ValueError):
            return Usage(now, 0, False)
