"""How the agent is: the AGENT part of docs/watch-protocol.md."""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from edge.monitor.disk import measure_disk, warn_of_disk
from edge.monitor.lateness import late_warning
from edge.monitor.remarks import remarks
from edge.processes.notices import REPEAT_S
from edge.processes.process import STARTING, UP
from edge.protocol.agent import AgentState, ModelName, RefusedPeer, ScannerState
from edge.protocol.json import from_builtins, to_builtins
from edge.protocol.row import milliseconds, now
from edge.storage.room import Room
from edge.storage.spool import Spool

T = TypeVar("T")
READY = "ready"
NOT_RECEIVING = "not receiving: "
_AHEAD_S = 5.0
_UNWATCHED_S = 6.0  # without a word of the supervisor, which has one every second
_LATENCIES = 200  # results that the percentiles look back on
_MOST_REFUSED = 16
_SIZES = 200  # images that the mean size looks back on


class Health:
    """What the agent's threads report about themselves. Safe to use from several threads.

    Args:
        room: what is left on the disk; looked at once for each message.
        late_after_s: how long an image may wait for its result before that is a warning.
    """

    def __init__(
        self, ae_title: str, host: str, room: Callable[[], Room] = Room, late_after_s: float = 30.0
    ) -> None:
        self._room, self._late_after_s = room, late_after_s
        self._lock = threading.Lock()
        self._ae_title, self._host, self._port, self._started_at = ae_title, host, 0, now()
        self._state = STARTING
        self._runtime: str | None = None
        self._precision: str | None = None
        self._runtime_note: str | None = None
        self._processes: dict[str, Any] = {}
        self._told_at = 0.0  # by the supervisor; monotonic
        self._received = 0
        self._last_received_at: str | None = None
        self._last_contact_at: str | None = None
        self._settings_remark = ""
        self._models: list[ModelName] = []
        self._about_models: list[str] = []
        self._remarks: dict[str, str] = {}
        self._scanners: dict[str, tuple[float, ScannerState]] = {}  # when each was told, monotonic
        self._seen_before: dict[str, str] = {}
        self._refused: dict[tuple[str, str], tuple[float, RefusedPeer]] = {}  # likewise
        self._sizes: deque[int] = deque(maxlen=_SIZES)
        self._latencies_ms: deque[float] = deque(maxlen=_LATENCIES)

    def processes(self, states: dict[str, Any]) -> bool:
        """How the supervisor finds the processes, where the receiver listens, and when it was last called.

        Returns:
            Whether the processes are otherwise than before.
        """
        with self._lock:
            self._told_at = time.monotonic()
            self._port = states.pop("port")
            self._last_contact_at = states.pop("last_contact_at")
            self._settings_remark = states.pop("settings_remark", "")
            news = states != self._processes
            self._processes = states
            return news

    @property
    def parts(self) -> dict[str, Any]:
        with self._lock:
            return dict(self._processes)

    def is_now(self, state: str) -> None:
        with self._lock:
            self._state = state

    def remark(self, about: str, text: str) -> None:
        """Something that people should see beside the state.

        Args:
            about: what it is about; a later one about the same takes its place.
            text: one sentence without its full stop; empty when it is over.
        """
        with self._lock:
            self._remarks[about] = text

    def runs_in(self, runtime: str, precision: str, refused: tuple[str, ...]) -> None:
        """What the network runs in, and why in none that the settings prefer."""
        with self._lock:
            self._runtime, self._precision = runtime, precision
            self._runtime_note = " ".join(refused) or None

    def models(self, models: list[ModelName], remarks: list[str]) -> None:
        """The models in use, the one of new studies first, and what people should know of them."""
        with self._lock:
            self._models, self._about_models = models, remarks

    def met(self, scanner: dict[str, Any]) -> None:
        """What the receiver says of one scanner."""
        with self._lock:
            state = from_builtins(scanner, ScannerState)
            self._scanners[state.name] = time.monotonic(), state

    def refused(self, peer: dict[str, Any]) -> None:
        """What the receiver says of a peer that it refused; the newest of them come last."""
        with self._lock:
            state = from_builtins(peer, RefusedPeer)
            key = state.who, state.why
            self._refused.pop(key, None)
            self._refused[key] = time.monotonic(), state
            if len(self._refused) > _MOST_REFUSED:
                del self._refused[next(iter(self._refused))]

    def seen_before(self, scanner: str, at: str) -> None:
        """An image of that scanner was received; by an agent or a receiver before this one, perhaps."""
        with self._lock:
            self._seen_before[scanner] = max(at, self._seen_before.get(scanner, ""))

    def goes_on(self, last_received_at: str) -> None:
        """An agent before this one had received images."""
        with self._lock:
            self._last_received_at = last_received_at

    def received(self, at: str, size_bytes: int | None = None) -> None:
        with self._lock:
            self._received += 1
            self._last_received_at = at
            if size_bytes is not None:
                self._sizes.append(size_bytes)

    def took(self, latency_ms: float) -> None:
        with self._lock:
            self._latencies_ms.append(latency_ms)

    def message(self, queue: int, waits_since: str | None = None) -> AgentState:
        """The state for viewers.

        Args:
            queue: the number of jobs that wait.
            waits_since: when the image was received that waits longest for its result, as in a row.
        """
        room = self._room()
        at = now()
        waits_s = max(0.0, milliseconds(waits_since, now()) / 1e3) if waits_since else None
        obstacle = room.problem
        with self._lock:
            p50, p95 = np.percentile(self._latencies_ms, (50, 95)) if self._latencies_ms else (None, None)
            receiver = self._processes.get("receiver", {}).get("state", STARTING)
            if receiver not in (STARTING, UP):
                obstacle = receiver
            if self._told_at and time.monotonic() - self._told_at > _UNWATCHED_S:
                obstacle = "the supervisor process gives no answer"
            scanners, refused = self._told_scanners(), _told_lately(self._refused)[::-1]
            state = f"{NOT_RECEIVING}{obstacle}" if obstacle else self._state
            return AgentState(
                ae_title=self._ae_title,
                host=self._host,
                port=self._port,
                started_at=self._started_at,
                state=state if self._port else STARTING,
                runtime=self._runtime,
                precision=self._precision,
                runtime_note=self._runtime_note,
                models=tuple(self._models),
                queue=queue,
                waits_s=None if waits_s is None else round(waits_s, 1),
                results_late=waits_s is not None and waits_s > self._late_after_s,
                received=self._received,
                last_received_at=self._last_received_at,
                last_contact_at=max(
                    filter(None, (self._last_contact_at, self._last_received_at)), default=None
                ),
                scanners=tuple(scanners),
                refused=tuple(refused),
                remarks=(
                    *filter(None, self._remarks.values()),
                    *remarks(self._settings_remark, scanners, refused, self._started_at, at),
                    *self._about_models,
                ),
                **vars(measure_disk(room, self._sizes)),
                latency_p50_ms=None if p50 is None else round(float(p50), 1),
                latency_p95_ms=None if p95 is None else round(float(p95), 1),
                time=now(),
            )

    def _told_scanners(self) -> list[ScannerState]:
        """The scanners of the settings, with when each was last seen, also by agents before this one."""
        return [
            replace(scanner, last_seen_at=max(filter(None, seen), default=None))
            for scanner in _told_lately(self._scanners)
            if (seen := (scanner.last_seen_at, self._seen_before.get(scanner.name)))
        ]


def _told_lately(told: Mapping[Any, tuple[float, T]]) -> list[T]:
    """What the receiver still speaks of; it repeats itself, so what it left out is over."""
    return [one for when, one in told.values() if time.monotonic() - when < 3 * REPEAT_S]


def status(
    agent: AgentState,
    processes: dict[str, Any],
    rows: dict[str, int],
    quarantined: int,
    spool: Spool,
    audit_lost: int,
    audit_problem: str | None,
    certificates: str,
    journal: Sequence[str] = (),
) -> dict[str, Any]:
    """What `edge status --json` prints (docs/operations.md)."""
    ahead_s = -milliseconds(agent.last_received_at, now()) / 1e3 if agent.last_received_at else 0.0
    warnings = [
        f"{quarantined} instances in quarantine; see: edge quarantine list" if quarantined else "",
        f"the clock was set back: the last image came {ahead_s:.0f} s from now" if ahead_s > _AHEAD_S else "",
        f"{audit_lost} audit messages could not be written" if audit_lost else "",
        f"audit messages wait for {audit_problem}" if audit_problem else "",
        warn_of_disk(agent),
        late_warning(agent),
        *agent.remarks,
        certificates,
        *journal,
    ]
    return {
        "agent": to_builtins(agent),
        "processes": processes,
        "rows": rows,
        "quarantined": quarantined,
        "disk_free_bytes": shutil.disk_usage(spool.folder).free,
        "warnings": [warning for warning in warnings if warning],
    }
