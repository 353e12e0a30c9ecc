"""`edge serve`'s first process: it starts the others, watches them, and stops them in order.

It opens no socket and reads no DICOM, so that no stranger's byte can take it down.

    supervisor -> receiver          the socket, the spool
               -> agent -> worker   queue, index, views; decoding and the network
"""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.connection import wait
from types import FrameType
from typing import Any

from edge.processes.lock import is_still_held, locked
from edge.processes.notices import Notices
from edge.processes.process import STARTING, UP, Child, Line, refused
from edge.processes.reload import reload
from edge.processes.systemd import Systemd
from edge.settings import Settings
from edge.trail.log import AuditLog
from edge.trail.message import application_started, application_stopped
from scanside.errors import ScansideError, SettingError
from scanside.model.bundle import Bundle

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MAX_REMARK = 500  # characters: a notice is short
_BEAT_S = 1.0  # how often the agent is told how the others are
_log = logging.getLogger(__name__)


def serve(
    settings: Settings,
    bundle: Bundle | None,
    read: Callable[[], Settings],
    remark: str = "",
    unusable: str = "",
) -> None:
    """Run everything until SIGTERM or SIGINT; what is in hand is finished. A second signal ends it at once.

    Args:
        bundle: the model; None where it can't be used: then images are received, and none is scored.
        read: reads the settings again, when SIGHUP asks for it (edge/processes/reload.py).
        remark: what people should know of the settings; empty when there is nothing to say.
        unusable: why there is no model.

    Raises:
        ScansideError: the data folder, the port or the index can't be used; as the process said that met it.
    """
    with locked(settings.data) as lock, _signals() as signals:
        audit = AuditLog(settings.data, settings.ae_title)
        audit.record(application_started(settings.ae_title))
        notices = Notices()
        children = [
            Child("receiver", _receiver, settings, notices, lock),
            Child("agent", _agent, settings, bundle, unusable, notices, lock),
        ]
        held = partial(is_still_held, settings.data, lock)
        try:
            Supervisor(children, notices, signals, settings, read, remark, held).run()
        finally:
            if held():  # else it would be in another's trail
                audit.record(application_stopped(settings.ae_title))


class Supervisor:
    """Watches `children`; they are stopped in their order, each before the next."""

    def __init__(
        self,
        children: list[Child],
        notices: Notices,
        signals: "_Signals",
        settings: Settings,
        read: Callable[[], Settings],
        remark: str = "",
        held: Callable[[], bool] = lambda: True,
    ) -> None:
        self._children, self._notices, self._signals, self._settings = children, notices, signals, settings
        self._read, self._held = read, held
        self._systemd = Systemd()
        self._said: dict[str, Any] = {}
        self._ready = False
        self._settings_remark = remark

    def run(self) -> None:
        try:
            self._start()
            while not self._signals.count:
                due = [child.step() for child in self._children]
                for child in self._children:
                    if child.refusal:
                        raise refused(child)
                if not self._held():
                    raise SettingError(
                        f"{self._settings.data} is no longer the folder that this agent began with: it was "
                        "moved or replaced. Nothing more is received. Put it back, and start the agent again."
                    )
                if self._signals.reload:
                    self._signals.reload = False
                    self._reload()
                self._tell()
                self._wait(min([_BEAT_S, *(seconds for seconds in due if seconds is not None)]))
            _log.info("stopping")
            self._systemd.tell("STOPPING=1")
            self._stop()
        finally:
            for child in self._children:
                child.kill()

    def _start(self) -> None:
        """Start one after the other: when the port is in use, no model is loaded in vain.

        Raises:
            ScansideError: one can't work, as it says itself.
        """
        for child in self._children:
            child.start()
            while child.state == STARTING and not child.refusal and not self._signals.count:
                self._wait(_BEAT_S)
                child.step()
            if child.refusal:
                raise refused(child)

    def _reload(self) -> None:
        """Take over what can be of settings and certificates that changed; what is wrong changes nothing."""
        self._systemd.tell("RELOADING=1")
        try:
            found = reload(self._settings, self._read)
        except ScansideError as error:
            _log.error("the former settings stay in use: %s", error)
            self._settings_remark = f"the former settings stay in use: {str(error)[:_MAX_REMARK]}"
        else:
            self._settings = found.settings
            for child in self._children:
                child.offer(found.settings)
            _log.info("settings read anew; taken over: %s", ", ".join(found.taken_over) or "none changed")
            self._settings_remark = ""
            if found.restart:
                self._settings_remark = f"a restart is needed for: {', '.join(found.restart)}"
                _log.warning("%s", self._settings_remark)
        self._systemd.tell("READY=1")

    def _tell(self) -> None:
        states = {
            child.name: {"state": child.condition, "pid": child.pid, "restarts": child.restarts}
            for child in self._children
        }
        refused = {"refused": dict(self._children[0].refused)}
        told = {**states, "receiver": {**states["receiver"], **refused}}
        place = {"port": self._children[0].port, "last_contact_at": self._children[0].contact or None}
        remark = {"settings_remark": self._settings_remark}
        self._notices.processes({**place, **remark, "supervisor": os.getpid(), **told})
        up = all(child.state == UP for child in self._children)
        # Started again, each uses the settings of now, and the receiver takes the port that senders know.
        settings = replace(self._settings, port=self._children[0].port or self._settings.port)
        for child in self._children:
            child.args = (settings, *child.args[1:])
        if up and not self._ready:
            self._ready = True
            self._systemd.tell("READY=1")
        if self._said != states:
            self._said = states
            self._systemd.tell("STATUS=" + "; ".join(f"{c.name} {c.condition}" for c in self._children))
        if self._systemd.beat_s and all(child.is_seen_to for child in self._children):
            self._systemd.tell("WATCHDOG=1")

    def _wait(self, seconds: float) -> None:
        if self._systemd.beat_s:
            seconds = min(seconds, self._systemd.beat_s)
        sources = [source for child in self._children for source in child.sources]
        wait([self._signals.source, *sources], seconds)
        self._signals.read()

    def _stop(self) -> None:
        limits_s = {"receiver": self._settings.drain_s + 5, "agent": self._settings.worker_timeout_s + 15}
        for child in self._children:
            child.ask_to_stop()
            end = time.monotonic() + limits_s[child.name]
            while child.alive and time.monotonic() < end and self._signals.count < 2:
                self._wait(_BEAT_S)
                child.step(stopping=True)
            if child.alive:
                _log.warning("the %s is ended before it has finished", child.name)
                child.kill()


# Each imports what it needs in its own process: the supervisor stays small.
def _receiver(line: Line, *args: Any) -> None:
    from edge.processes.receiver import receive

    receive(line, *args)


def _agent(line: Line, *args: Any) -> None:
    from edge.processes.agent import run_agent

    run_agent(line, *args)


class _Signals:
    """How often the program was asked to end, whether to reload, and a descriptor that wakes who waits."""

    def __init__(self) -> None:
        self.count, self.reload = 0, False
        self.source, self._writing = os.pipe()
        os.set_blocking(self.source, False)
        os.set_blocking(self._writing, False)

    def arrived(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.reload = True
        else:
            self.count += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self.source, 64)

    def close(self) -> None:
        os.close(self.source)
        os.close(self._writing)


@contextlib.contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    before = {number: signal.signal(number, signals.arrived) for number in _SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.close()
