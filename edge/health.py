"""How the agent is: the AGENT part of docs/watch-protocol.md."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from edge.row import now

STARTING, READY = "starting", "ready"
NOT_RECEIVING = "not receiving: "
_LATENCIES = 200  # results that the percentiles look back on


class Health:
    """What the agent's threads report about themselves. Safe to use from several threads.

    Args:
        obstacle: why nothing can be received just now, if so.
    """

    def __init__(self, ae_title: str, host: str, obstacle: Callable[[], str | None] = lambda: None) -> None:
        self._obstacle = obstacle
        self._lock = threading.Lock()
        self._place: dict[str, Any] = {"ae_title": ae_title, "host": host, "port": 0, "started_at": now()}
        self._state = STARTING
        self._runtime: str | None = None
        self._runtime_note: str | None = None
        self._received = 0
        self._last_received_at: str | None = None
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)

    def listens(self, port: int) -> None:
        with self._lock:
            self._place["port"] = port

    def is_now(self, state: str) -> None:
        with self._lock:
            self._state = state

    def runs_in(self, runtime: str, refused: tuple[str, ...]) -> None:
        """What the network runs in, and why in none that the settings prefer."""
        with self._lock:
            self._runtime, self._runtime_note = runtime, " ".join(refused) or None

    def received(self, at: str) -> None:
        with self._lock:
            self._received += 1
            self._last_received_at = at

    def took(self, latency_ms: float) -> None:
        with self._lock:
            self._latencies_ms.append(latency_ms)

    def message(self, queue: int) -> dict[str, Any]:
        """The state for viewers; `queue` is the number of jobs that wait."""
        obstacle = self._obstacle()
        with self._lock:
            p50, p95 = np.percentile(self._latencies_ms, (50, 95)) if self._latencies_ms else (None, None)
            return {
                **self._place,
                "state": f"{NOT_RECEIVING}{obstacle}" if obstacle else self._state,
                "runtime": self._runtime,
                "runtime_note": self._runtime_note,
                "queue": queue,
                "received": self._received,
                "last_received_at": self._last_received_at,
                "latency_p50_ms": p50 and round(float(p50), 1),
                "latency_p95_ms": p95 and round(float(p95), 1),
                "time": now(),
            }
