"""Tries something again and again, in a thread of its own, and knows when it last worked."""

import threading
import time
from collections.abc import Callable

EVERY_S = 2.0


class Probe(threading.Thread):
    """Calls `check` every two seconds; what it raises, and that it does not return, is a failure.

    Args:
        name: of the thread.
        check: raises when what it tries does not work.

    Attributes:
        problem: what the last check raised; empty after one that worked.
        failures: checks in a row that raised.
    """

    def __init__(self, name: str, check: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._check, self._ended = check, threading.Event()
        self._worked_at = time.monotonic()
        self.problem, self.failures = "", 0

    @property
    def age_s(self) -> float:
        """How long ago it last worked, or was made."""
        return time.monotonic() - self._worked_at

    def run(self) -> None:
        while not self._ended.wait(EVERY_S):
            try:
                self._check()
            except Exception as error:  # whatever goes wrong, it is tried again
                self.problem, self.failures = f"{type(error).__name__}: {error}", self.failures + 1
            else:
                self._worked_at, self.problem, self.failures = time.monotonic(), "", 0

    def close(self) -> None:
        self._ended.set()
