"""How often one account may ask: far more than a person types, far less than would fill the disk."""

import time
from collections import deque

LIMITS = ((60, 60.0), (2000, 86400.0))  # so many requests in so many seconds


class Pace:
    """Counts requests by account. For one thread only.

    Args:
        limits: how many requests in how many seconds, the longest time last.
    """

    def __init__(self, limits: tuple[tuple[int, float], ...] = LIMITS) -> None:
        self._limits = limits
        self._asked: dict[int, deque[float]] = {}

    def refusal(self, uid: int) -> str:
        """Why this account has to wait; empty when it has not, and then its request is counted."""
        now = time.monotonic()
        asked = self._asked.setdefault(uid, deque(maxlen=self._limits[-1][0]))
        for most, seconds in self._limits:
            if len(asked) >= most and now - asked[-most] < seconds:
                return (
                    f"more than {most} requests of this account in {seconds:.0f} s. "
                    f"Ask again in {asked[-most] + seconds - now:.0f} s."
                )
        asked.append(now)
        return ""
