"""The receiver process: the socket that strangers reach, and the spool. It answers by the spool alone."""

import logging
import time

from edge.monitor.probe import Probe
from edge.network.receive import Receiver
from edge.network.refusals import Refusals
from edge.processes.notices import REPEAT_S, Notices
from edge.processes.process import Descriptor, Line
from edge.settings import Settings
from edge.storage.spool import Spool
from edge.trail.log import AuditLog
from edge.trail.message import association_refused
from scanside.errors import ScansideError, SettingError

_LOOK_S = 1.0  # how often it is told who came
_LATE_S = 5.0  # without an answer from the port or the disk: an ailment
_DEAF_S, _DEAF_TIMES = 30.0, 3  # without one from the port, or so many failures in a row: another process
_log = logging.getLogger(__name__)


def receive(line: Line, settings: Settings, notices: Notices, _lock: Descriptor) -> None:
    """Run the receiver until `line` asks to stop.

    Raises:
        SettingError: the data folder or the port can't be used.
        ScansideError: it no longer accepts connections.
    """
    try:
        spool = Spool(settings.data / "spool", settings.min_free_mb << 20)
        spool.sweep()
    except OSError as error:
        raise SettingError(f"the spool in {settings.data} can't be used: {error}.") from error
    audit = AuditLog(settings.data, settings.ae_title)

    def record(calling: str, address: str, why: str) -> None:
        audit.record(association_refused(settings.ae_title, calling or address, address, why))

    refusals = Refusals(record)
    receiver = Receiver(settings, spool, notices.stored, refusals)
    line.is_up(receiver.port)
    _log.info("listening on %s port %d as %s", settings.host, receiver.port, settings.ae_title)
    port, disk = Probe("own echo", receiver.echo), Probe("own write", spool.try_disk)
    port.start()
    disk.start()
    told: tuple[dict[str, int], str] = {}, ""
    repeated = 0.0
    while not line.stop_asked(_LOOK_S):
        if not receiver.alive:
            raise ScansideError("the receiver no longer accepts connections; the log says why.")
        if port.age_s > _DEAF_S or (port.failures >= _DEAF_TIMES and port.age_s > _LATE_S):
            raise ScansideError(
                f"the receiver does not answer its own C-ECHO ({port.problem or 'no answer'})."
            )
        line.answers(_ailment(port, disk))
        if line.offered is not None:
            try:
                receiver.take_over(line.offered)
            except SettingError as error:  # the supervisor tried them; a file changed since
                _log.error("the former settings stay in use: %s", error)
            line.offered = None
        refusals.summarise()
        contact = receiver.sightings.last_contact_at
        news = (refusals.counts, contact) != told
        if news:
            told = refusals.counts, contact
            line.met(*told)
        if news or time.monotonic() - repeated > REPEAT_S:  # an agent that was started again knows nothing
            repeated = time.monotonic()
            notices.met(receiver.sightings.scanners(), refusals.latest)
    receiver.close(settings.drain_s)
    refusals.summarise(at_once=True)


def _ailment(port: Probe, disk: Probe) -> str:
    """What does not work just now; empty when all does."""
    if port.age_s > _LATE_S:
        return f"it has not answered its own C-ECHO for {port.age_s:.0f} s"
    if disk.age_s > _LATE_S:
        why = f" ({disk.problem})" if disk.problem else ""
        return f"the disk of the data folder has taken nothing for {disk.age_s:.0f} s{why}"
    return ""
