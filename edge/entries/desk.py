"""Where entries are taken: into the journal first, then into the index and the audit trail."""

import logging
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.entries.entry import STATUS, Entry, requested
from edge.entries.journal import NAME, InDoubt, Journal
from edge.protocol.row import PENDING, ShownRow
from edge.storage.entered import StudyKept
from edge.storage.store import Store
from edge.trail.log import AuditLog
from edge.trail.message import Message, patient_record_updated, procedure_record_updated
from scanside.errors import ScansideError, SettingError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entered:
    """What an entry changed.

    Attributes:
        kept: its study as it is now.
        rows: the rows that are others now, without their pictures.
    """

    kept: StudyKept
    rows: list[ShownRow]


class Desk:
    """Keeps journal and index in step, for whoever holds the data folder's lock.

    Attributes:
        behind: the journal has entries that the index could not take; `catch_up` tries again.
    """

    def __init__(self, data: Path, store: Store, audit: AuditLog) -> None:
        self.journal = Journal(data)
        self._store, self._audit = store, audit
        self._lock = threading.Lock()
        self.behind = False

    def enter(self, request: Mapping[str, Any], account: str) -> Entered:
        """Take an entry; when this returns, it outlasts a power cut.

        Args:
            request: as in docs/watch-protocol.md; `patient` may be left out where the study has but one.

        Raises:
            SettingError: it is no entry, or there is no such study or slide.
            ScansideError: it could not be kept.
        """
        with self._lock:
            entry = self._checked(requested(self._with_patient(request), account))
            self._keep(entry)
            try:
                rows = self._store.enter([entry])
            except sqlite3.Error as error:
                self.behind = True
                raise ScansideError(f"the entry is kept, but does not count yet: {error}.") from error
            kept = self._store.study(entry.study, entry.patient)
        return Entered(kept, rows)

    def _keep(self, entry: Entry) -> None:
        """Into the audit trail, then into the journal: no entry counts that the trail knows nothing of.

        Raises:
            ScansideError: it is not kept, and the trail says so; or nobody can say whether it is.
        """
        try:
            self._audit.require(self._message(entry))
        except OSError as error:
            self._audit.record(self._message(entry, kept=False))
            why = error.strerror or error
            raise ScansideError(
                f"the entry was not kept: the audit trail can't be written: {why}."
            ) from error
        try:
            self.journal.append(entry)
        except InDoubt as error:
            raise ScansideError(
                f"nobody can say whether the entry was kept: {error.strerror or error}. "
                "See what the study says once the agent has been started again."
            ) from error
        except OSError as error:
            self._audit.record(self._message(entry, kept=False))
            raise ScansideError(f"the entry was not kept: {error.strerror or error}.") from error

    def catch_up(self) -> bool:
        """Bring the index to what the journal says: it may have been lost, or an entry taken by half.

        While the journal can't be read, the index stays as it is, and images are scored all the same.

        Returns:
            Whether anything changed.

        Raises:
            sqlite3.Error: the index can't be written.
        """
        with self._lock:
            self.behind, before, said = True, self.journal.faults, None
            try:
                said = {entry.key: entry for entry in self.journal.read()}
            except OSError as error:
                self.journal.faults = [f"{NAME} can't be read: {error.strerror}"]
            for fault in self.journal.faults:
                if fault not in before:
                    _log.warning("%s", fault)
            if said is None:
                return False
            held = self._store.entries()
            missing = [entry for key, entry in said.items() if held.get(key) != entry]
            gone = held.keys() - said.keys()
            if missing or gone:
                self._store.enter(missing, gone)
            self.behind = False
            return bool(missing or gone)

    def of(self, patient: str | None, study: str | None) -> list[Entry]:
        """The entries about a patient, a study, or a study of a patient."""
        return [entry for entry in self.journal.read() if _is(entry, patient, study)]

    def forget(self, patient: str | None, study: str | None, *, unreadable: bool = False) -> int:
        """Remove what `of` finds; how many lines went.

        Args:
            unreadable: lines of the journal that nobody can read go too.

        Raises:
            OSError: the journal can't be written.
        """
        with self._lock:
            gone = self.journal.remove(lambda entry: _is(entry, patient, study), unreadable=unreadable)
            held = self._store.entries()
            self._store.enter([], [key for key, entry in held.items() if _is(entry, patient, study)])
            return gone

    def _checked(self, entry: Entry) -> Entry:
        """With the digest of the image that the slide shows.

        Raises:
            SettingError: there is no such study of this patient, or no such slide with a result.
        """
        if not self._store.study(entry.study, entry.patient).last_received_at:
            raise SettingError("no image of this study and this patient is held.")
        if not entry.instance:
            return entry
        row = self._store.row(*entry.slide, picture=False)
        if row is None or row.owner != (entry.study, entry.patient):
            raise SettingError("no such slide in this study of this patient.")
        if row.state == PENDING:
            raise SettingError("the slide waits for its result. Enter it once that is there.")
        if entry.image not in (None, row.image_digest):
            raise SettingError("another image came under this UID meanwhile. Look at it first.")
        return replace(entry, image=row.image_digest)

    def _with_patient(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        study = request.get("study")
        if "patient" in request or not isinstance(study, str):
            return request
        patients = self._store.patients(study)
        if len(patients) > 1:
            raise SettingError("this study came under several patient IDs. Say which is meant.")
        return {**request, "patient": patients[0] if patients else ""}

    def _message(self, entry: Entry, *, kept: bool = True) -> Message:
        """The audit message of an entry."""
        what, agent = entry.what.replace("_", " "), self._audit.agent
        if entry.what == STATUS:
            return patient_record_updated(agent, entry.by, entry.account, entry.patient, what, done=kept)
        what = f"{what}, frame {entry.frame} of {entry.instance}"
        return procedure_record_updated(
            agent, entry.by, entry.account, entry.study, entry.patient, what, done=kept
        )


def _is(entry: Entry, patient: str | None, study: str | None) -> bool:
    return (patient is None or entry.patient == patient) and (study is None or entry.study == study)
