"""The agent: receiver, queue, worker, store and event hub, tied together.

A frame's way: receive -> spool -> `Agent._stored` -> queue -> scoring -> worker -> store -> viewers.
"""

import contextlib
import logging
import threading
from typing import Any

from edge.events import EventHub
from edge.health import Health
from edge.jobs import Job, JobQueue, Priority
from edge.lock import locked
from edge.rebuild import open_store, take_up
from edge.receive import Receiver
from edge.scoring import Scoring
from edge.settings import Settings
from edge.spool import Spool, Spooled
from edge.store import Store, ViewRow
from edge.tuning import how_to_run
from edge.worker import Worker
from scanside import RESEARCH_USE
from scanside.bundle import Bundle
from scanside.errors import ScansideError

_SNAPSHOT_ROWS = 200
_log = logging.getLogger(__name__)


def serve(settings: Settings, bundle: Bundle, stop: threading.Event) -> None:
    """Run the agent until `stop` is set; the current job is finished first.

    Raises:
        SettingError: the data folder or the port can't be used.
        ScansideError: a fault of the program ended the scoring.
    """
    with locked(settings.data), contextlib.closing(open_store(settings.data)) as store:
        Agent(settings, bundle, Spool(settings.data / "spool", settings.min_free_mb << 20), store).run(stop)


class Agent:
    """One agent on one data folder, which nobody else may use meanwhile."""

    def __init__(self, settings: Settings, bundle: Bundle, spool: Spool, store: Store) -> None:
        self._settings, self._bundle = settings, bundle
        self._spool, self._store = spool, store
        self._queue = JobQueue()
        self._health = Health(settings.ae_title, settings.host, spool.nearly_full)
        self._hub = EventHub(settings.data, self._snapshot, self._heartbeat)

    def run(self, stop: threading.Event) -> None:
        settings, broken = self._settings, threading.Event()

        def break_off() -> None:
            broken.set()
            stop.set()

        how, remark = how_to_run(settings, self._bundle)
        _log.info("%s", remark)
        worker = Worker(self._bundle, self._spool.folder, how, settings.worker_timeout_s)
        scoring = Scoring(
            self._queue,
            worker,
            self._store,
            self._health,
            settings.cine_frames,
            self._publish,
            break_off,
            self._hub.resend,
        )
        with contextlib.closing(self._hub):
            self._take_up()
            receiver = Receiver(settings, self._spool, self._stored)
            self._health.listens(receiver.port)
            self._hub.start()
            scoring.start()
            _log.info("listening on %s port %d as %s", settings.host, receiver.port, settings.ae_title)
            stop.wait()
            _log.info("stopping")
            receiver.close()
            self._queue.close()
            scoring.join()
        if broken.is_set():
            raise ScansideError("the scoring ended by a fault of the program; the log says where.")

    def _take_up(self) -> None:
        """Index what the store does not know of the spool, and queue all that was not finished."""
        take_up(self._spool, self._store)
        for spooled in self._store.pending():
            self._inspect(spooled)

    def _stored(self, spooled: Spooled) -> None:
        """Called by the receiver for each instance that is in the spool, before it is acknowledged."""
        view, outdated = self._store.add(spooled)
        self._health.received(spooled.received_at)
        if outdated:
            _log.warning("%s came again with other content", spooled.sop_instance_uid)
            self._spool.remove(outdated)
            self._hub.resend()
        if view is not None:
            self._publish(view)
            self._inspect(spooled)

    def _inspect(self, spooled: Spooled) -> None:
        self._queue.put(Job(Priority.INSPECT, spooled.file, spooled.sop_instance_uid, spooled.received_at))

    def _publish(self, view: ViewRow) -> None:
        self._hub.publish({"event": "row", "row": view})

    def _snapshot(self) -> dict[str, Any]:
        return {
            "event": "snapshot",
            "agent": self._health.message(len(self._queue)),
            "model": _model(self._bundle, self._settings.precision),
            "rows": self._store.newest(_SNAPSHOT_ROWS),
        }

    def _heartbeat(self) -> dict[str, Any]:
        return {"event": "heartbeat", "agent": self._health.message(len(self._queue))}


def _model(bundle: Bundle, precision: str) -> dict[str, Any]:
    manifest = bundle.manifest
    provisional = manifest.document["threshold"].get("provisional")
    return {
        "name": manifest.name,
        "version": manifest.version,
        "precision": precision,
        "digest": bundle.digest,
        "trained_on": manifest.trained_on,
        "intended_use": manifest.intended_use,
        "threshold": manifest.threshold,
        "threshold_note": f"Provisional threshold: {provisional}" if provisional else None,
        "clinical_inputs": list(manifest.clinical_inputs),
        "test_only": manifest.test_only,
        "research_use": RESEARCH_USE,
    }
