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
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()

    def limit(self, most: int, most_per_peer: int) -> None:
        """Change the limits; what is taken beyond them stays until it is given back."""
        with self._changed:
            self._most, self._most_per_peer = most, most_per_peer
            self._changed.notify_all()

    def take(self, peer: str, wait_s: float = 0.0) -> bool:
        """Take one for `peer`, if one is left, or given back within `wait_s`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free(peer), wait_s):
                return False
            self._taken[peer] += 1
            return True

    def give(self, peer: str) -> None:
        """Give one back."""
        with self._changed:
            self._taken[peer] -= 1
            if self._taken[peer] <= 0:
                del self._taken[peer]  # or every address that ever connected would stay
            self._changed.notify_all()

    def _is_free(self, peer: str) -> bool:
        return self._taken.total() < self._most and self._taken[peer] < self._most_per_peer

    def __len__(self) -> int:
        with self._changed:
            return self._taken.total()
