"""The agent process: queue, worker, store, views and upkeep, tied together.

A frame's way: receiver -> spool -> `Agent._taken` -> queue -> scoring -> worker -> store -> viewers.
"""

import contextlib
import json
import logging
import sqlite3
import time
from functools import partial
from typing import Any

from edge.entries.arrivals import Arrivals
from edge.monitor import condition
from edge.monitor.condition import Health
from edge.monitor.measures import Measures, MetricsServer
from edge.monitor.probe import Probe
from edge.network.access import scanner_names
from edge.network.tls import expiry_warning
from edge.processes.lasting import Lasting
from edge.processes.models import NO_MODEL, Models, describe_model, name_model
from edge.processes.notices import Notices
from edge.processes.process import Descriptor, Line
from edge.protocol.row import ShownRow, milliseconds, now
from edge.scoring.jobs import Inspection, Job, Priority
from edge.scoring.loop import Scoring
from edge.scoring.queue import JobQueue
from edge.scoring.tuning import how_to_run
from edge.scoring.worker import Runtime, Worker
from edge.settings import Settings
from edge.sockets.control import Answer, Control, Request, ask
from edge.sockets.events import EventHub
from edge.sockets.listening import let_through
from edge.sockets.pictures import answer_picture
from edge.sockets.requests import answer
from edge.sockets.telling import Telling
from edge.storage.custody import Custody
from edge.storage.entered import ASKED, CENTRE, FINAL_AFTER_S, asked_by
from edge.storage.intake import Taken
from edge.storage.rebuild import open_store
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Store
from edge.trail.log import AuditLog
from edge.trail.message import CREATE, READ, UPDATE, instances_transferred, runtime_fallback
from edge.trail.syslog import SyslogSender, server_of
from scanside.errors import ScansideError, SettingError
from scanside.model.bundle import Bundle

_SNAPSHOT_ROWS = 200
_BEAT_S, _LOOK_S, _RETAIN_S = 1.0, 5.0, 60.0
_PING_S, _DEAF_S = 5.0, 20.0  # for one answer of the own control socket; without any
_SETTLED_NS = 10**9  # two changes within one tick of a file system's clock look like one
_log = logging.getLogger(__name__)


def run_agent(
    line: Line, settings: Settings, bundle: Bundle | None, unusable: str, notices: Notices, _lock: Descriptor
) -> None:
    """Run the agent until `line` asks to stop; the current job is finished first.

    Raises:
        SettingError: the data folder or a port can't be used.
        ScansideError: a fault of the program ended the scoring.
    """
    audit = AuditLog(settings.data, settings.ae_title)
    with contextlib.closing(open_store(settings.data)) as store:
        try:
            spool = Spool(settings.data / "spool", settings.min_free_mb << 20, scanner_names(settings))
        except OSError as error:
            raise SettingError(f"the spool in {settings.data} can't be used: {error}.") from error
        Agent(settings, bundle, unusable, spool, store, audit).run(line, notices)


class Agent:
    """One agent on one data folder, which nobody else may use meanwhile.

    Args:
        bundle: the model; None where it can't be used: then nothing is scored, and everything else goes on.
        unusable: why there is none.
    """

    def __init__(
        self,
        settings: Settings,
        bundle: Bundle | None,
        unusable: str,
        spool: Spool,
        store: Store,
        audit: AuditLog,
    ) -> None:
        self._settings, self._bundle = settings, bundle
        self._spool, self._store, self._audit = spool, store, audit
        self._queue = JobQueue()
        self._health = Health(settings.ae_title, settings.host, spool.room, settings.late_after_s)
        self._measures = Measures()
        self._custody = Custody(settings.data, spool, store, audit)
        self._arrivals = Arrivals(settings.final_after_s)
        let_through(settings.data, settings.watch_group, settings.entry_group)
        self._hub = EventHub(
            settings.data,
            self._snapshot,
            self._heartbeat,
            partial(answer_picture, store),
            settings.watch_group,
        )
        self._telling = Telling(self._hub, store, self._arrivals)
        self._worker: Worker | None = None
        self._models: Models | None = None
        self._scoring: Scoring | None = None
        if bundle is None:
            self._health.is_now(f"not scoring: {unusable}")
            _log.error("not scoring: %s", unusable)
        else:
            self._worker = self._make_worker(bundle)
            self._models = Models(
                settings, bundle, spool, store, self._health, self._make_worker, self._own_model_started
            )
            self._scoring = self._make_scoring(self._worker, self._models)
        self._recovered: list[str] = []
        self._queued, self._not_begun = False, "starting"
        self._unreadable: set[str] = set()
        self._looked: tuple[float, int] = (0.0, 0)  # when, and the spool's time of change
        self._retained = 0.0
        # Most rounds write nothing: only after one of each kind is it known to be over.
        self._unwritten = Lasting(_log, "the index can't be written", quiet_s=_RETAIN_S + _LOOK_S)
        self._sender: SyslogSender | None = None

    def _make_worker(self, bundle: Bundle) -> Worker:
        settings = self._settings
        runtimes, remark = how_to_run(settings, bundle)
        _log.info("%s", remark)
        return Worker(
            bundle,
            self._spool.folder,
            runtimes,
            settings.worker_timeout_s,
            settings.worker_memory_mb << 20,
            settings.exam_options,
        )

    def _make_scoring(self, worker: Worker, models: Models) -> Scoring:
        settings = self._settings
        return Scoring(
            self._queue, worker, self._store, self._health, settings.cine_frames, self._publish,
            self._quarantine, self._telling.resend, self._inspected, self._fell_back,
            settings.cine_unlike_share, self._custody.label, models.own,
        )  # fmt: skip

    @property
    def _is_broken(self) -> bool:
        return self._scoring is not None and self._scoring.broken

    def run(self, line: Line, notices: Notices) -> None:
        settings = self._settings
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.closing(self._hub))
            control = stack.enter_context(
                contextlib.closing(Control(settings.data, self._asked, settings.entry_group))
            )
            if settings.metrics_port:
                stack.enter_context(contextlib.closing(MetricsServer(settings.metrics_port, self._metrics)))
            if settings.audit_syslog:
                server = server_of(settings.audit_syslog, settings.audit_ca, settings.audit_certificate)
                self._sender = SyslogSender(settings.data, server)
                self._sender.start()
                stack.callback(self._sender.close)
            self._try_to_begin()
            self._hub.start()
            control.start()
            if self._scoring is not None:
                self._scoring.start()
            line.is_up()
            commands = Probe("own request", self._ping)
            commands.start()
            while not self._is_broken and not line.stop_asked(_BEAT_S, notices.source):
                if line.offered is not None:
                    self._take_over(line.offered)
                    line.offered = None
                self._upkeep(notices)
                if not self._hub.answers or commands.age_s > _DEAF_S:
                    raise ScansideError(
                        f"the agent's sockets no longer answer ({commands.problem or 'no answer'})."
                    )
                line.answers()
            self._queue.close()
            if self._scoring is not None:
                self._scoring.join()
        if self._is_broken:
            raise ScansideError("the scoring ended by a fault of the program; the log says where.")

    def _take_over(self, settings: Settings) -> None:
        """Use what of changed settings concerns the agent: scanners' names and certificates' files."""
        try:
            self._spool.names(scanner_names(settings))
            self._settings = settings
        except SettingError as error:  # the supervisor tried them; a name of a host changed since
            _log.error("the former settings stay in use: %s", error)

    def _ping(self) -> None:
        """Ask the own control socket, as a command would.

        Raises:
            ScansideError: it does not answer.
        """
        if ask(self._settings.data, {"do": "ping"}, _PING_S) is None:
            raise ScansideError("nothing listens there")

    def _try_to_begin(self) -> None:
        """Take up what was left; while the index can't be written, what is in it is served all the same."""
        try:
            self._begin()
        except (sqlite3.OperationalError, OSError) as error:
            self._not_begun = f"the index can't be written: {error}"
            self._unwritten.met(str(error))

    def _begin(self) -> None:
        if self._store.is_alone:
            if problem := self._spool.nearly_full():
                raise OSError(problem)
            self._store.share()
            if self._store.is_alone:
                raise OSError("there is no room for the files beside it")
        self._settle()
        if not self._queued:
            for spooled in self._store.pending():
                self._inspect(spooled)
            self._queued = True
        self._look()
        self._recover()
        if self._models is not None:
            self._models.tend()
        self._not_begun = ""

    def _settle(self) -> None:
        """Bring the index to the settings, the model and the journal; find the studies that go on."""
        final_after_s = self._settings.final_after_s
        site = {CENTRE: self._settings.centre, FINAL_AFTER_S: str(final_after_s)}
        if self._bundle is not None:
            asked = json.dumps(self._bundle.manifest.clinical_inputs)
            site |= {ASKED: asked, asked_by(self._bundle.digest): asked}
        self._store.settle(site)
        self._custody.desk.catch_up()
        rows = self._store.newest(_SNAPSHOT_ROWS)
        if rows:
            self._health.goes_on(rows[-1].received_at or "")
        for row in rows:
            received_at = row.received_at or now()
            if row.scanner:
                self._health.seen_before(row.scanner, received_at)
            ago_s = milliseconds(received_at, now()) / 1e3
            if row.study_instance_uid and 0 <= ago_s < final_after_s:
                self._arrivals.came(row.owner, ago_s)

    def _upkeep(self, notices: Notices) -> None:
        """Hear what the others say; look into the spool and at what is too old, when it is time."""
        try:
            if self._not_begun:
                self._try_to_begin()
                if not self._not_begun:
                    self._telling.resend()
            for notice in notices.read():
                if "processes" in notice:
                    if self._health.processes(notice["processes"]):
                        self._hub.publish(self._heartbeat())  # at once: the next second may be too late
                elif "scanner" in notice:
                    self._health.met(notice["scanner"])
                elif "refused" in notice:
                    self._health.refused(notice["refused"])
                else:
                    doubts = self._custody.doubts
                    self._taken(self._custody.take(Spooled(**notice["stored"])))
                    if doubts != self._custody.doubts:
                        self._see_to_clock()
            for study in self._arrivals.over():
                self._telling.study(study)
            self._telling.catch_up()
            if self._models is not None:
                self._models.say()
            if self._custody.desk.behind and self._custody.desk.catch_up():
                self._telling.resend()
            if time.monotonic() - self._looked[0] > _LOOK_S:
                self._look()
            if time.monotonic() - self._retained > _RETAIN_S:
                self._retained = time.monotonic()
                if self._models is not None and self._models.tend():
                    self._telling.resend()
                self._see_to_clock()
                if self._custody.retain(self._settings.keep_days, self._settings.keep_gb):
                    self._telling.resend()
            self._unwritten.passed()
        except (sqlite3.OperationalError, OSError) as error:  # a full or read-only disk passes
            self._unwritten.met(str(error))
            self._looked = (time.monotonic(), 0)

    def _see_to_clock(self) -> None:
        """Say whether the clock is believed; tell the views where times of reception are others by now."""
        doubts = self._custody.doubts
        problem = self._custody.clock_problem()
        self._health.remark("clock", problem)
        if doubts and not self._custody.doubts:
            self._settled()

    def _settled(self) -> None:
        newest = self._store.newest_received_at()
        if newest:
            self._health.goes_on(newest)
        self._telling.resend()

    def _look(self) -> None:
        """Find what came without a notice: the one who had it died, or the pipe was full."""
        changed = self._spool.folder.stat().st_mtime_ns
        if changed != self._looked[1]:
            for taken in self._custody.take_up(self._unreadable):
                self._taken(taken)
        settled = time.time_ns() - changed > _SETTLED_NS
        self._looked = (time.monotonic(), changed if settled else 0)

    def _recover(self) -> None:
        """Let earlier versions count where the current one is missing: after a restore that lacks files."""
        self._recovered = self._custody.recover()
        for instance in self._recovered:
            _log.warning("%s: its current version is missing, an earlier one counts again", instance)
        if self._recovered:
            self._looked = (0.0, 0)
            self._look()

    def _taken(self, taken: Taken) -> None:
        spooled = taken.spooled
        if taken.replaced:
            _log.warning("%s came again with other content", spooled.sop_instance_uid)
            self._telling.resend()
        if taken.row is not None:
            self._health.received(spooled.received_at, spooled.size_bytes)
            if spooled.scanner:
                self._health.seen_before(spooled.scanner, spooled.received_at)
            self._measures.received(spooled)
            self._publish(taken.row)
            self._inspect(spooled)
        elif taken.before is not None and not taken.replaced and taken.before.study_instance_uid:
            self._transferred(spooled.file, READ, taken.before.study_instance_uid, taken.before.patient_id)

    def _inspect(self, spooled: Spooled) -> None:
        self._queue.put(
            Job(
                Priority.INSPECT,
                spooled.file,
                spooled.receipt,
                spooled.sop_instance_uid,
                spooled.received_at,
                spooled.source,
                spooled.scanner,
                again=spooled.again,
            )
        )

    def _inspected(self, job: Job, found: Inspection, before: bool) -> None:
        """Told once for each instance, when its header is known. `before`: another version had a result."""
        action = UPDATE if before else CREATE
        self._transferred(job.file, action, found.study_instance_uid or "", found.patient.id)

    def _fell_back(self, runtime: str, refused: str) -> None:
        self._audit.record(runtime_fallback(self._settings.ae_title, runtime, refused))

    def _own_model_started(self, runtime: Runtime) -> None:
        """The worker for a study that began under another bundle has started."""
        for refused in runtime.refused:
            _log.warning("an open study's model runs in %s, not in %s", runtime.name, refused)
            self._fell_back(runtime.name, refused)

    def _transferred(self, file: str, action: str, study: str, patient_id: str) -> None:
        origin = self._spool.origin(file)
        self._audit.record(instances_transferred(self._settings.ae_title, origin, action, study, patient_id))

    def _quarantine(self, job: Job, reason: str) -> list[ShownRow]:
        return self._custody.put_in_quarantine(job.receipt, reason)

    def _publish(self, view: ShownRow) -> None:
        self._measures.result(view)
        self._telling.row(view)

    def _snapshot(self) -> dict[str, Any]:
        rows = self._store.newest(_SNAPSHOT_ROWS)
        return {
            "event": "snapshot",
            "agent": self._health.message(len(self._queue), self._queue.oldest()),
            "model": describe_model(self._bundle) if self._bundle else NO_MODEL,
            "open_models": self._models.messages() if self._models else [],
            "rows": rows,
            "studies": self._telling.studies(rows),
        }

    def _heartbeat(self) -> dict[str, Any]:
        return {"event": "heartbeat", "agent": self._health.message(len(self._queue), self._queue.oldest())}

    def _status(self) -> dict[str, Any]:
        """What `edge status --json` prints."""
        pid, restarts = (self._worker.pid, self._worker.restarts) if self._worker else (None, 0)
        worker = {"worker": {"pid": pid, "restarts": restarts}}
        if self._models and (second := self._models.own.worker):
            worker["second_worker"] = {"pid": second.pid, "restarts": second.restarts}
        return condition.status(
            self._health.message(len(self._queue), self._queue.oldest()),
            {**self._health.parts, **worker},
            self._store.counts(),
            len(self._custody.quarantined()),
            self._spool,
            self._audit.lost,
            self._sender.problem if self._sender else None,
            expiry_warning(self._settings),
            [
                *self._custody.desk.journal.faults,
                *self._shared_ids(),
                *filter(None, [self._not_begun]),
                *self._missing(),
            ],
        )

    def _missing(self) -> list[str]:
        count = len(self._recovered)
        return [f"of {count} images the current version is missing; an earlier one counts"] if count else []

    def _shared_ids(self) -> list[str]:
        count = self._store.shared_ids()
        several = "1 patient ID came" if count == 1 else f"{count} patient IDs came"
        return [f"{several} under several names: the slides that it concerns say so"] if count else []

    def _metrics(self) -> str:
        return self._measures.exposition(self._status())

    def _asked(self, request: Request, account: str) -> Answer:
        """A request of a command (edge/sockets/requests.py); `status` is the agent's own."""
        if request.get("do") == "status":
            return self._status()
        if request.get("do") == "enter":
            return {"study": self._telling.enter(self._custody.desk, request, account)}
        said = answer(self._custody, request, account)
        if "retry" in said:
            self._inspect(Spooled(**said["retry"]))
        if request.get("do") == "clock":
            self._health.remark("clock", said["problem"])
            self._settled()
        for spooled in said.pop("spooled", ()):
            self._inspect(Spooled(**spooled))
        if request.get("do") == "rescore":
            said["model"] = name_model(self._bundle) if self._bundle else None
        if request.get("do") in ("retry", "drop", "purge", "rescore"):
            self._telling.resend()
        return said
