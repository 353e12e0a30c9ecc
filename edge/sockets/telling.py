"""What the views are told of rows and studies, whichever thread changed them: what is told last is newest."""

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from edge.entries.arrivals import Arrivals, Study
from edge.entries.desk import Desk
from edge.entries.study import describe_study
from edge.protocol.row import PENDING, ShownRow
from edge.protocol.study import StudyState
from edge.sockets.control import Request
from edge.sockets.events import EventHub
from edge.storage.store import Store

_MANY_ROWS = 20  # that one entry changed: from here on a snapshot says so
# A study is read whole for its message: the pause after each is so many times what that took, so that an
# instance costs the same at the end of a large study as at its start.
_PAUSES = 20.0


class Telling:
    """Tells the views of `hub`. Each thing is read and told under one lock, so none is overtaken."""

    def __init__(self, hub: EventHub, store: Store, arrivals: Arrivals) -> None:
        self._hub, self._store, self._arrivals = hub, store, arrivals
        self._lock = threading.RLock()
        self._quiet_until: dict[Study, float] = {}
        self._unsaid: dict[Study, None] = {}  # studies that changed since their last message

    def row(self, view: ShownRow) -> None:
        """A row is new or has changed, and so has its study."""
        with self._lock:
            row = self._store.row(view.sop_instance_uid, view.frame, picture=False)
            if row is None:  # gone meanwhile
                return
            if row.assessed_at == view.assessed_at:  # else another content came under its UID
                row = replace(row, preview=view.preview)
            self._hub.publish({"event": "row", "row": row})
        if row.study_instance_uid and row.state == PENDING:
            self._arrivals.came(row.owner)
        if row.study_instance_uid and (row.state != PENDING or row.frame == 1):  # of a cine that waits, once
            self.study(row.owner)

    def study(self, study: Study) -> None:
        """A study has changed; of a large one a later message says so, by `catch_up`."""
        with self._lock:
            if not self._hub.watched:
                return
            began = time.monotonic()
            if began < self._quiet_until.get(study, 0.0):
                self._unsaid[study] = None
                return
            self._unsaid.pop(study, None)
            self._hub.publish({"event": "study", "study": self._message(study)})
            ended = time.monotonic()
            self._quiet_until = {one: end for one, end in self._quiet_until.items() if end > ended}
            self._quiet_until[study] = ended + _PAUSES * (ended - began)

    def catch_up(self) -> None:
        """Send the messages about studies that are due by now."""
        with self._lock:
            for study in tuple(self._unsaid):
                self.study(study)

    def resend(self) -> None:
        """Many rows changed, or some are gone."""
        with self._lock:
            self._hub.resend()

    def enter(self, desk: Desk, request: Request, account: str) -> StudyState:
        """Take an entry and tell what it changed; its study.

        Raises:
            ScansideError: it was not taken (`Desk.enter`).
        """
        with self._lock:
            entered = desk.enter(request, account)
            study = self._message((entered.kept.study, entered.kept.patient))
            if len(entered.rows) > _MANY_ROWS:
                self._hub.resend()
                return study
            for row in entered.rows:
                self._hub.publish({"event": "row", "row": row})
            self._hub.publish({"event": "study", "study": study})
            return study

    def studies(self, rows: Iterable[ShownRow]) -> list[StudyState]:
        """The studies that `rows` belong to, for a snapshot."""
        studies = dict.fromkeys(row.owner for row in rows if row.study_instance_uid)
        return [self._message(study) for study in studies]

    def _message(self, study: Study) -> StudyState:
        return describe_study(self._store.study(*study), self._arrivals.may_follow(study))
