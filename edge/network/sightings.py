"""When each scanner was last seen, and how much came of it. Safe to use from several threads."""

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.protocol.row import now
from edge.scanners import Scanner


@dataclass
class _Seen:
    """What is counted of one scanner since the receiver started; see docs/operations.md."""

    last_seen_at: str | None = None
    last_title: str = ""
    last_address: str = ""
    associations: int = 0
    images: int = 0


class Sightings:
    """What the receiver saw of the scanners of the settings.

    Attributes:
        last_contact_at: when it last accepted an association or answered C-ECHO, as in a row; empty before.
    """

    def __init__(self, scanners: Sequence[Scanner]) -> None:
        self._lock = threading.Lock()
        self._scanners = tuple(scanners)
        self._seen: dict[str, _Seen] = {}
        self.last_contact_at = ""

    def take_over(self, scanners: Sequence[Scanner]) -> None:
        """Speak of these scanners from now on."""
        with self._lock:
            self._scanners = tuple(scanners)

    def contact(self, scanner: Scanner | None, title: str, address: str, *, associated: bool) -> None:
        """Something made itself heard; `scanner` is None for an echo under a title that none has."""
        with self._lock:
            self.last_contact_at = now()
            if scanner is not None:
                seen = self._seen.setdefault(scanner.name, _Seen())
                seen.last_seen_at, seen.last_title, seen.last_address = self.last_contact_at, title, address
                seen.associations += associated

    def stored(self, scanner: Scanner | None) -> None:
        """An image of it was stored."""
        with self._lock:
            if scanner is not None:
                seen = self._seen.setdefault(scanner.name, _Seen())
                seen.last_seen_at = now()
                seen.images += 1

    def scanners(self) -> list[dict[str, Any]]:
        """Each scanner of the settings with what was seen of it."""
        with self._lock:
            return [{**asdict(one), **asdict(self._seen.get(one.name, _Seen()))} for one in self._scanners]
