"""How many of something are open at a time, overall and for one peer."""

import threading
from collections import Counter


class Slots:
    """A limit on a number of things, safe to use from several threads.

    Args:
        most: overall.
        most_per_peer: of one address.
    """

    def __init__(self, most: int, most_per_peer: int) -> None:
        self._most, self._most_per_peer = most, most_per_peer
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, peer: str) -> bool:
        """Take one for `peer`, if one is left."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[peer] >= self._most_per_peer:
                return False
            self._taken[peer] += 1
            return True

    def give(self, peer: str) -> None:
        """Give one back."""
        with self._lock:
            self._taken[peer] -= 1
            if self._taken[peer] <= 0:
                del self._taken[peer]  # or every address that ever connected would stay

    def __len__(self) -> int:
        with self._lock:
            return self._taken.total()
