"""Who was not let in: counted, logged and audited, in bounded space.

The first refusal of an address is told at once. Those after it are counted and told as one number when a
while has passed, ten minutes at first, an hour later on: a flood fills neither trail nor log nor memory.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from edge.protocol.row import now

SEVERAL = "several addresses"  # what is told of those that no longer get a place of their own
_FIRST_S, _LONGEST_S = 600.0, 3600.0
_MOST_ADDRESSES = 16
_log = logging.getLogger(__name__)


class Reason(Enum):
    """Why a connection or an association was refused; the value is the label of the count."""

    ADDRESS = "address"
    CONNECTIONS = "connections"
    TLS = "tls"
    PLAIN = "plain_dicom"
    CALLING = "calling_ae_title"
    CALLED = "called_ae_title"
    BLANK_CALLING = "blank_calling_ae_title"
    BLANK_CALLED = "blank_called_ae_title"
    ASSOCIATIONS = "associations"


TEXTS = {
    Reason.ADDRESS: "connection refused: no scanner of the settings sends from that address",
    Reason.CONNECTIONS: "connection refused: too many are open (settings max_connections, ..._per_peer)",
    Reason.TLS: "connection refused: the TLS handshake failed",
    Reason.PLAIN: "connection refused: it speaks plain DICOM, but this port wants TLS (tls_certificate)",
    Reason.CALLING: "association rejected: no scanner of the settings has that title at that address",
    Reason.CALLED: "association rejected: that is not this agent's title (setting ae_title)",
    Reason.BLANK_CALLING: "association rejected: its own title is blank (setting blank_ae_titles)",
    Reason.BLANK_CALLED: "association rejected: the title it calls is blank (setting blank_ae_titles)",
    Reason.ASSOCIATIONS: "association rejected: too many are open (settings max_associations, ..._per_peer)",
}


@dataclass
class _Seen:
    since: float
    length_s: float = _FIRST_S
    more: int = 0


@dataclass
class _Refused:
    """One peer that was refused for one reason, as `edge status` says it."""

    who: str
    address: str
    title: str
    why: str
    count: int = 0
    last_at: str = ""


class Refusals:
    """What was refused since the start. Safe to use from several threads.

    Args:
        record: writes into the audit trail: calling AE title (empty where none was said), address, why.
    """

    def __init__(
        self, record: Callable[[str, str, str], None] = lambda _calling, _address, _why: None
    ) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._seen: dict[tuple[Reason, str], _Seen] = {}
        self._latest: dict[tuple[Reason, str, str], _Refused] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How many there were, by the label of their reason."""
        with self._lock:
            return dict(self._counts)

    @property
    def latest(self) -> list[dict[str, Any]]:
        """The peers that were refused last, the newest first; bounded like the rest."""
        with self._lock:
            return [asdict(one) for one in reversed(self._latest.values())]

    def accepted(self, address: str, calling: str) -> None:
        """That peer is let in now: what was refused of it before is no news any more."""
        with self._lock:
            for key in [key for key in self._latest if key[1:] in ((address, calling), (address, ""))]:
                del self._latest[key]

    def add(self, reason: Reason, address: str, calling: str = "", detail: str = "") -> None:
        """One more, by `address`; `detail` is for the log alone."""
        with self._lock:
            self._counts[reason.value] += 1
            self._remember(reason, address, calling)
            if (reason, address) not in self._seen and len(self._seen) >= _MOST_ADDRESSES:
                address, calling, detail = SEVERAL, "", ""
            seen = self._seen.get((reason, address))
            if seen is not None:
                seen.more += 1
                return
            self._seen[reason, address] = _Seen(time.monotonic())
        self._tell(calling, address, TEXTS[reason], detail)

    def summarise(self, at_once: bool = False) -> None:
        """Tell how many more there were, of each address whose time is over; of all when `at_once`."""
        due = []
        with self._lock:
            for key, seen in list(self._seen.items()):
                passed = time.monotonic() - seen.since
                if passed < seen.length_s and not at_once:
                    continue
                if seen.more:
                    due.append((key, f"{seen.more} more in {passed:.0f} s"))
                    self._seen[key] = _Seen(time.monotonic(), min(_LONGEST_S, 2 * seen.length_s))
                else:
                    del self._seen[key]
        for (reason, address), how_many in due:
            self._tell("", address, f"{TEXTS[reason]}; {how_many}", "")

    def _remember(self, reason: Reason, address: str, calling: str) -> None:
        key = (reason, address, calling)
        one = self._latest.pop(key, None) or _Refused(_who(calling, address), address, calling, TEXTS[reason])
        one.count, one.last_at = one.count + 1, now()
        self._latest[key] = one  # the newest stands last
        if len(self._latest) > _MOST_ADDRESSES:
            del self._latest[next(iter(self._latest))]

    def _tell(self, calling: str, address: str, why: str, detail: str) -> None:
        _log.warning("%s: %s%s", _who(calling, address), why, f" ({detail})" if detail else "")
        self._record(calling, address, why)


def _who(calling: str, address: str) -> str:
    return f"'{calling}' of {address}" if calling else address
