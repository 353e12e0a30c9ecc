"""What may be done to what is kept: purged by a person, removed by age or size, let out of quarantine.

The spool, its folders for what was put aside, the journal of entries and the index are changed together. The
journal and the files go first: what is half done after a power cut is done again by the same command, and
nothing that was removed comes back.
"""

import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge.entries.desk import Desk
from edge.processes.lock import locked
from edge.storage.aside import Aside, Note
from edge.storage.intake import take
from edge.storage.rebuild import open_store, put_aside_indexes
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Indexed, Store
from edge.trail.log import AuditLog
from edge.trail.message import study_deleted
from scanside.errors import SettingError

_RETENTION = "retention"  # who removed it, in the audit trail
_GB = 10**9
_log = logging.getLogger(__name__)

Study = tuple[str, str]  # its UID, the patient's ID


@dataclass(frozen=True)
class Removed:
    """What a purge removes, or has removed.

    Attributes:
        instances: files of the spool, with their results and pictures.
        replaced: earlier versions of instances.
        quarantined: instances in quarantine.
        indexes: damaged indexes that were put aside; nobody can say what is in them, so they go whole.
        unknown: files put aside whose patient nobody knows; they stay.
        entries: what people entered, and lines of the journal that nobody can read.
    """

    instances: int = 0
    replaced: int = 0
    quarantined: int = 0
    indexes: int = 0
    unknown: int = 0
    entries: int = 0


class Custody:
    """Changes the spool and the index of the data folder `data`. Whoever holds its lock may make one."""

    def __init__(self, data: Path, spool: Spool, store: Store, audit: AuditLog) -> None:
        self._data, self._spool, self._store, self._audit = data, spool, store, audit
        self.desk = Desk(data, store, audit)

    def quarantined(self) -> list[Note]:
        return self._spool.quarantine.notes()

    def retry(self, name: str) -> Spooled:
        """Let an instance out of quarantine; it is pending again.

        Raises:
            SettingError: there is none of that name.
        """
        note = self._in_quarantine(name)
        self._store.remove([note.file], come_again=True)
        self._spool.quarantine.take_back(note.file)
        for spooled in self._spool.read({note.file}):
            return take(self._spool, self._store, spooled).spooled
        raise SettingError(f"{note.file} can't be read any more; it lies in the spool.")

    def drop(self, name: str, by: str) -> Note:
        """Remove an instance in quarantine for good.

        Raises:
            SettingError: there is none of that name.
        """
        note = self._in_quarantine(name)
        self._spool.quarantine.remove(note.file)
        self._store.remove([note.file])
        self._deleted([(note.study_instance_uid, note.patient_id)], by)
        return note

    def purge(self, *, patient: str | None, study: str | None, by: str, dry: bool = False) -> Removed:
        """Remove all that is kept of a patient or of a study. `dry`: only say what that would be."""
        instances = [one for one in self._store.instances() if _is(one, patient, study)]
        uids = {one.sop_instance_uid for one in instances}
        aside: dict[str, list[Note]] = {}
        unknown = 0
        for name, folder in self._asides():
            notes = folder.notes()
            aside[name] = [n for n in notes if _is(n, patient, study) or n.sop_instance_uid in uids]
            unknown += sum(not (n.study_instance_uid or n.patient_id) for n in notes if n not in aside[name])
        indexes = put_aside_indexes(self._data)
        entries = self.desk.of(patient, study)
        removed = Removed(
            len(instances),
            len(aside["replaced"]),
            len(aside["quarantine"]),
            len(indexes),
            unknown,
            len(entries) + len(self.desk.journal.faults),
        )
        if not dry:
            found: list[Indexed | Note] = [*instances, *aside["replaced"], *aside["quarantine"]]
            self.desk.forget(patient, study, unreadable=True)
            for name, folder in self._asides():
                for note in aside[name]:
                    folder.remove(note.file)
            self._remove(instances)
            for path in indexes:
                path.unlink()
            studies = [(one.study_instance_uid, one.patient_id) for one in found]
            self._deleted(studies + [(entry.study, entry.patient) for entry in entries], by)
        return removed

    def retain(self, keep_days: int, keep_gb: float) -> int:
        """Remove what is older than `keep_days`, then the oldest beyond `keep_gb`; 0: no limit.

        Studies go whole, the oldest first, and none that has an instance without a result. What is in
        quarantine goes by age alone.

        Returns:
            How many instances and earlier versions went.
        """
        held = {note.file for note in self.quarantined()}
        found = [one for one in self._store.instances() if one.file not in held]
        studies: dict[Study, list[Indexed]] = defaultdict(list)
        for one in found:
            studies[one.study_instance_uid or one.sop_instance_uid, one.patient_id].append(one)
        finished = [all_ for all_ in studies.values() if not any(one.pending for one in all_)]
        finished.sort(key=lambda all_: all_[-1].received_at)
        gone: list[Indexed | Note] = []
        oldest = ""
        if keep_days:
            oldest = (datetime.now(timezone.utc) - timedelta(days=keep_days)).isoformat(
                timespec="microseconds"
            )
            for _, folder in self._asides():
                gone += self._drop_all(folder, [note for note in folder.notes() if note.received_at < oldest])
            self._store.remove(note.file for note in gone if note.file in held)
            old = [one for all_ in finished if all_[-1].received_at < oldest for one in all_]
            self._remove(old)
            gone += old
            for path in put_aside_indexes(self._data):
                if datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).isoformat() < oldest:
                    path.unlink()
            finished = [all_ for all_ in finished if all_[-1].received_at >= oldest]
        if keep_gb:
            excess = self._bytes() - keep_gb * _GB
            for note in self._spool.replaced.notes():
                if excess > 0:
                    excess -= _size(self._spool.replaced.path(note.file))
                    gone += self._drop_all(self._spool.replaced, [note])
            for all_ in finished:
                if excess > 0:
                    excess -= sum(_size(self._spool.path(one.file)) for one in all_)
                    self._remove(all_)
                    gone += all_
        self._deleted([(one.study_instance_uid, one.patient_id) for one in gone], _RETENTION)
        self._forget({(one.study_instance_uid, one.patient_id) for one in gone}, oldest)
        if gone:
            _log.info("retention: %d instances and earlier versions removed", len(gone))
        return len(gone)

    def _forget(self, gone: set[Study], oldest: str) -> None:
        """What was entered about studies that are gone, and about none that is held since before `oldest`.

        While an instance is held whose study is not known yet, none counts as missing.
        """
        if not gone and not oldest:
            return
        held = {(one.study_instance_uid, one.patient_id) for one in self._store.instances()}
        missing = gone - held
        if oldest and not any(not study for study, _ in held):
            entries = self.desk.of(None, None)
            fresh = {(entry.study, entry.patient) for entry in entries if entry.at >= oldest}
            missing |= {(entry.study, entry.patient) for entry in entries} - held - fresh
        for study, patient in missing:
            if study:
                self.desk.forget(patient, study)

    def _asides(self) -> list[tuple[str, Aside]]:
        return [("replaced", self._spool.replaced), ("quarantine", self._spool.quarantine)]

    def _in_quarantine(self, name: str) -> Note:
        """By the start of its file's name, or by its UID; never a path of somebody's making."""
        notes = self.quarantined() if name else []
        found = [note for note in notes if note.sop_instance_uid == name or note.file.startswith(name)]
        if len(found) != 1:
            many = f"{len(found)} instances" if found else "no instance"
            raise SettingError(f"{many} in quarantine by '{name}'. See: edge quarantine list")
        return found[0]

    def _remove(self, instances: list[Indexed]) -> None:
        for one in instances:
            self._spool.remove(one.file)
            self._spool.quarantine.remove(one.file)
        if instances:
            self._store.remove(one.file for one in instances)

    def _drop_all(self, folder: Aside, notes: list[Note]) -> list[Note]:
        for note in notes:
            folder.remove(note.file)
        return notes

    def _bytes(self) -> int:
        folders = (self._spool.folder, *(folder.path("") for _, folder in self._asides()))
        return sum(_size(path) for folder in folders for path in folder.glob("*.dcm"))

    def _deleted(self, studies: list[Study], by: str) -> None:
        for study in dict.fromkeys(studies):
            if any(study):
                self._audit.record(study_deleted(self._audit.agent, by, *study, studies.count(study)))


@contextlib.contextmanager
def in_custody(data: Path, ae_title: str) -> Iterator[Custody]:
    """The custody of a data folder whose agent is stopped.

    Raises:
        SettingError: there is nothing, it can't be used, or an agent has it.
    """
    if not (data / "spool").is_dir():
        raise SettingError(f"no spool in {data}: nothing is kept there. Check --data.")
    with locked(data), contextlib.closing(open_store(data)) as store:
        custody = Custody(data, Spool(data / "spool"), store, AuditLog(data, ae_title))
        custody.desk.catch_up()
        yield custody


def _is(one: Indexed | Note, patient: str | None, study: str | None) -> bool:
    if patient is not None:
        return one.patient_id == patient
    return one.study_instance_uid == study


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
