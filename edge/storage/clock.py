"""Whether the machine's clock may be believed, as images come and where they would be removed for their age.

DATA/clock.json has the last time that was believed, with the machine's own count of seconds since it was
started. A clock that ran ahead of that count, or of the last image by weeks, waits until it is right again or
somebody accepts it. Nothing is removed by age meanwhile, and what is received is marked.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

NAME = "clock.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MOST_DRIFT_S = 3600.0  # between the clock and the count: more is no correction by a time server
_LONGEST_ABSENCE_S = 7 * 86400.0  # of an agent that was off with its machine, or that receives nothing
_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on Linux it runs on as the machine sleeps


@dataclass(frozen=True)
class Reading:
    """The clock and the machine's count at one moment.

    Attributes:
        wall_s: seconds since 1970 by the clock.
        count_s: seconds since the machine was started.
        boot: names that start.
    """

    wall_s: float
    count_s: float
    boot: str


def read_clock() -> Reading:
    boot = ""
    with contextlib.suppress(OSError):
        boot = _BOOT.read_text().strip()
    return Reading(time.time(), time.clock_gettime(_COUNTS), boot)


class Clock:
    """The clock of the machine that the data folder `data` is on.

    Args:
        read: gives its present reading.

    Attributes:
        problem: why it is not believed, in a sentence; empty while it is.
    """

    def __init__(self, data: Path, read: Callable[[], Reading] = read_clock) -> None:
        self._path, self._read = data / NAME, read
        self.problem = ""

    def is_plausible(self, newest_received_at: str) -> bool:
        """Whether the clock may be believed now.

        Args:
            newest_received_at: of all images, as in a row; empty where there is none.
        """
        now = self._read()
        before = self._before(newest_received_at, now)
        if _is_ahead(before, now):
            self.problem = (
                f"the clock went from {_day(before.wall_s)} to {_day(now.wall_s)}: nothing is removed by "
                "age, and images that come are marked. Set it right; if it is right, say so: "
                "edge clock --accept"
            )
            return False
        self.problem = ""
        if now.wall_s >= before.wall_s:
            self._believe(now)
        return now.wall_s >= before.wall_s - _MOST_DRIFT_S

    def is_doubted(self, newest_received_at: str) -> bool:
        """Whether it ran ahead of what may be believed; nothing is written. The argument as above."""
        now = self._read()
        return _is_ahead(self._before(newest_received_at, now), now)

    def accept(self) -> None:
        """Believe the present time, as a person says that it is right.

        Raises:
            OSError: it can't be written down.
        """
        self._believe(self._read())
        self.problem = ""

    def _before(self, newest_received_at: str, now: Reading) -> Reading:
        """The last reading that was believed; where there is none, the time of the newest image."""
        if (believed := self._believed()) is not None:
            return believed
        newest = datetime.fromisoformat(newest_received_at).timestamp() if newest_received_at else now.wall_s
        return Reading(newest, 0.0, "")

    def _believed(self) -> Reading | None:
        try:
            said: dict[str, Any] = json.loads(self._path.read_bytes())
            return Reading(float(said["wall_s"]), float(said["count_s"]), str(said["boot"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _believe(self, reading: Reading) -> None:
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"wall_s": reading.wall_s, "count_s": reading.count_s, "boot": reading.boot}, file)
        part.replace(self._path)


def _is_ahead(before: Reading, now: Reading) -> bool:
    ahead_s = now.wall_s - before.wall_s
    if now.boot and now.boot == before.boot:
        return ahead_s - max(0.0, now.count_s - before.count_s) > _MOST_DRIFT_S
    return ahead_s > _LONGEST_ABSENCE_S


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%d %b %Y %H:%M UTC")
