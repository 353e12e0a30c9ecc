"""A fault that lasts, as a full disk does, and is met again and again: what the log says of it."""

import logging
import time

_AGAIN_S = 600.0
_MOST_TEXTS = 16  # of one fault


class Lasting:
    """Said once, then every ten minutes with how often it was met; when it is another, and when it is over.

    For one thread.

    Args:
        log: of who meets it.
        what: can't be done, for the log.
        quiet_s: how long it must not have been met to be over, where success may be that of something else.
    """

    def __init__(self, log: logging.Logger, what: str, quiet_s: float = 0.0) -> None:
        self._log, self._what, self._quiet_s = log, what, quiet_s
        self._texts: set[str] = set()
        self._met = self._more = 0
        self._last = self._told = 0.0

    def met(self, problem: str) -> None:
        """It is there, or there again."""
        self._last = time.monotonic()
        self._met, self._more = self._met + 1, self._more + 1
        new = problem not in self._texts and len(self._texts) < _MOST_TEXTS
        if new or self._last - self._told >= _AGAIN_S:
            often = f" ({self._more} times since this was last said)" if self._texts else ""
            self._log.error("%s: %s%s", self._what, problem, often)
            self._texts.add(problem)
            self._told, self._more = self._last, 0

    def passed(self) -> None:
        """What could not be done was done."""
        if self._texts and time.monotonic() - self._last >= self._quiet_s:
            self._log.warning("over: %s (%d times)", self._what, self._met)
            self._texts.clear()
            self._met = self._more = 0
