"""What may be done to what is kept: purged by a person, removed by age or size, let out of quarantine.

The spool, its folders for what was put aside, the journal of entries and the index are changed together. The
journal and the files go first: what is half done after a power cut is done again by the same command, and
nothing that was removed comes back.
"""

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from edge.entries.desk import Desk
from edge.processes.lasting import Lasting
from edge.processes.lock import locked
from edge.protocol.row import AT_MOST, DOUBTED, ShownRow, now
from edge.storage.aside import Aside, Note
from edge.storage.clock import Clock
from edge.storage.intake import Taken, recover, take, take_up
from edge.storage.label import write_received, write_slides
from edge.storage.purge import (
    NOWHERE,
    QUARANTINE,
    REPLACED,
    SPOOL,
    Held,
    Removed,
    Wanted,
    choose,
    held_files,
    people,
    unread,
)
from edge.storage.rebuild import open_store, put_aside_indexes
from edge.storage.retention import finished_studies
from edge.storage.spool import Spool, Spooled
from edge.storage.store import Indexed, Store
from edge.storage.wanted import Wanted as WantedRows
from edge.storage.whose import Whose, whose
from edge.trail.log import AuditLog
from edge.trail.message import study_deleted, study_scored_again
from scanside.errors import SettingError

_RETENTION = "retention"  # who removed it, in the audit trail
_GB = 10**9
_FEW_HEADERS = 8  # that are read while nothing else may change
_READER_S = 20.0  # for a program that reads the index to end
_log = logging.getLogger(__name__)

Study = tuple[str, str]  # its UID, the patient's ID


@dataclass(frozen=True)
class ScoredAgain:
    """What is scored again, or would be.

    Attributes:
        studies, slides: how many.
        left: instances that keep their results, since they are in quarantine or their files are gone.
        spooled: the instances, for the queue.
    """

    studies: int
    slides: int
    left: int
    spooled: tuple[Spooled, ...] = ()


class Custody:
    """Changes the spool and the index of the data folder `data`. Whoever holds its lock may make one.

    Safe to use from several threads: nothing comes, moves or goes while something else does.

    Attributes:
        doubts: whether there may be images whose time of reception is in doubt.
    """

    def __init__(self, data: Path, spool: Spool, store: Store, audit: AuditLog) -> None:
        self._data, self._spool, self._store, self._audit = data, spool, store, audit
        self.desk = Desk(data, store, audit)
        self.clock = Clock(data)
        self._changing = threading.RLock()
        self._believed, self.doubts = False, True
        self._unbelieved = Lasting(_log, "the clock is not believed")
        for _, folder in self._asides():
            folder.sweep()

    def take(self, spooled: Spooled) -> Taken:
        """Take an instance that was received into the index."""
        with self._changing:
            if spooled.clock == DOUBTED:
                self.doubts = True
            elif self.doubts:
                self._settle(spooled.received_at)
            return take(self._spool, self._store, spooled)

    def take_up(self, known_bad: set[str]) -> list[Taken]:
        """Take up all that the index does not know of the spool (edge/storage/intake.py)."""
        with self._changing:
            taken = take_up(self._spool, self._store, known_bad)
            self.doubts = self.doubts or any(one.spooled.clock == DOUBTED for one in taken)
            return taken

    def clock_problem(self, *, accept: bool = False) -> str:
        """Why the clock is not believed; empty where it is.

        Args:
            accept: a person says that it is right.
        """
        with self._changing:
            if accept:
                self.clock.accept()
                self._settle(None)
            self.see_to_clock()
            return self.clock.problem

    def see_to_clock(self) -> bool:
        """Look whether the clock is believed; once it is, settle the times of what came meanwhile.

        Returns:
            Whether times of reception were settled.
        """
        with self._changing:
            self._believed = self.clock.is_plausible(self._store.newest_received_at())
            if self.clock.problem:
                self._unbelieved.met(self.clock.problem)
            else:
                self._unbelieved.passed()
            return self._believed and self._settle(now())

    def _settle(self, until: str | None) -> bool:
        """Settle the times of what came while the clock was not trusted; whether there was any.

        A person said that the clock was right: they stand. Else it was wrong, and ahead: what came was there
        by then, and it was there by `until`, when the clock was right again.

        Args:
            until: as in a row; None: the clock was right.
        """
        doubted = self._store.doubted() if self.doubts else []
        for place, (file, at) in enumerate(doubted):
            clock = None if until is None else AT_MOST
            settled = at if until is None else min(at, _earlier(until, len(doubted) - place))
            for path in (self._spool.path(file), self._spool.quarantine.path(file)):
                with contextlib.suppress(FileNotFoundError):
                    write_received(path, settled, clock)
            self._store.date(file, settled, clock)
        if doubted:
            how = "as they were" if until is None else "that time or before, since the clock was wrong"
            _log.warning("the clock is believed again: times of %d images stand %s", len(doubted), how)
        self.doubts = False
        return bool(doubted)

    def recover(self) -> list[str]:
        """Let earlier versions count again where the current one is missing; the instances."""
        with self._changing:
            return recover(self._spool, self._store)

    def label(self, file: str, instance: str) -> None:
        """Write the numbers of an instance's slides into its file: an index made anew gives them again."""
        try:
            write_slides(self._spool.path(file), self._store.slides(instance))
        except FileNotFoundError:
            return
        except OSError as error:
            _log.error("the numbers of %s are not in its file: %s", instance, error)

    def put_in_quarantine(self, receipt: int, reason: str) -> list[ShownRow]:
        """Put an instance away that took the worker down too often; the rows that say so."""
        with self._changing:
            known = self._store.taken(receipt)
            if known is None:  # purged or replaced meanwhile
                return []
            note = Note(
                known.file,
                known.sop_instance_uid,
                known.received_at,
                known.study_instance_uid,
                known.patient_id,
                reason,
            )
            self._spool.quarantine.put(note)
            return self._store.fail(receipt, reason)

    def quarantined(self) -> list[Note]:
        return self._spool.quarantine.notes()

    def retry(self, name: str) -> Spooled:
        """Let an instance out of quarantine; it is pending again.

        Raises:
            SettingError: there is none of that name.
        """
        with self._changing:
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
        with self._changing:
            note = self._in_quarantine(name)
            self._spool.quarantine.remove(note.file)
            for earlier in self._spool.replaced.notes():  # it must not count again
                if note.sop_instance_uid and earlier.sop_instance_uid == note.sop_instance_uid:
                    self._spool.replaced.remove(earlier.file)
            self._store.remove([note.file], for_good=True)
        self._deleted([(note.study_instance_uid, note.patient_id)], by)
        self._store.empty_log()
        return note

    def purge(self, wanted: Wanted, by: str, *, dry: bool = False, unreadable: bool = False) -> Removed:
        """Remove all that is kept of a patient or of a study.

        Args:
            by: who asks for it.
            dry: only say what that would be.
            unreadable: files of which nobody can say whose they are go too.
        """
        read: dict[Path, Whose] = {}
        while True:
            with self._changing:
                held = held_files(self._spool, self._store, wanted.issuer is not None)
                missing = unread(held, wanted, read)
                if len(missing) <= _FEW_HEADERS:
                    read |= {one.path: whose(one.path) for one in missing}
                    removed = self._purge(wanted, held, read, by, dry, unreadable)
                    break
            read |= {one.path: whose(one.path) for one in missing}  # not while everything else waits
        if dry:
            return removed
        return replace(removed, log_is_kept=not self._store.empty_log(_READER_S))

    def _purge(
        self, wanted: Wanted, held: list[Held], read: dict[Path, Whose], by: str, dry: bool, unreadable: bool
    ) -> Removed:
        chosen = choose(held, wanted, read)
        mine = [*chosen.mine, *((one, Whose()) for one in chosen.unreadable)] if unreadable else chosen.mine
        places = [one.place for one, _ in mine]
        indexes = put_aside_indexes(self._data)
        about = self._entries_about(wanted, mine, held, read)
        entries = sum(len(self.desk.of(patient, study)) for patient, study in about)
        entries += len(self.desk.journal.faults)
        if not dry:
            gone = [(whose.study, whose.patient_id) for _, whose in mine]
            gone += [(e.study, e.patient) for patient, study in about for e in self.desk.of(patient, study)]
            for patient, study in about or [("", "")]:  # lines that nobody can read go in any case
                self.desk.forget(patient, study, unreadable=True)
            for one, _ in mine:
                if one.place == REPLACED:
                    self._spool.replaced.remove(one.file)
                else:
                    self._spool.remove(one.file)
                    self._spool.quarantine.remove(one.file)
            self._store.remove((one.file for one, _ in mine if one.place != REPLACED), for_good=True)
            for path in indexes:
                path.unlink()
            self._deleted(gone, by)
        return Removed(
            places.count(SPOOL) + places.count(NOWHERE),
            places.count(REPLACED),
            places.count(QUARANTINE),
            len(indexes),
            entries,
            people(chosen.mine, read),
            sum(one.place != NOWHERE for one in held),
            () if unreadable else tuple(f"{one.place}/{one.file}" for one in chosen.unreadable),
        )

    def _entries_about(
        self, wanted: Wanted, mine: list[tuple[Held, Whose]], held: list[Held], read: dict[Path, Whose]
    ) -> list[tuple[str | None, str | None]]:
        """About which patients and studies entries go.

        The journal knows no issuer of an ID: with one, what was entered goes with the last of its images.
        """
        if wanted.issuer is None:
            return [(wanted.patient, wanted.study)]
        files = {one.path for one, _ in mine}
        left = [one.whose or read[one.path] for one in held if one.path not in files]
        kept = {(one.patient_id, one.study) for one in left}
        studies = dict.fromkeys((one.patient_id, one.study) for _, one in mine if wanted.takes(one))
        return [about for about in studies if about not in kept]

    def score_again(self, wanted: WantedRows, by: str, *, dry: bool = False) -> ScoredAgain:
        """Make the slides of studies pending again, of all that have a row which is wanted.

        An image that is in quarantine, or whose file is gone, keeps its result.

        Args:
            by: whose account asks for it.
            dry: only say how many that would be.
        """
        with self._changing:
            found = self._store.assessed(wanted)
            there = [one for one in found if self._spool.path(one.file).exists()]
            slides: Counter[Study] = Counter()
            for one in there:
                slides[one.study_instance_uid, one.patient_id] += one.slides
            files = [one.file for one in there]
            spooled = () if dry else tuple(self._store.score_again(files))
        if not dry:
            for (study, patient), count in slides.items():
                self._audit.record(study_scored_again(self._audit.agent, by, by, study, patient, count))
        return ScoredAgain(len(slides), sum(slides.values()), len(found) - len(there), spooled)

    def retain(self, keep_days: int, keep_gb: float) -> int:
        """Remove what is older than `keep_days`, then the oldest beyond `keep_gb`; 0: no limit.

        Studies go whole, the oldest first, and none that has an instance without a result. What is in
        quarantine goes by age alone.

        Returns:
            How many instances and earlier versions went.
        """
        with self._changing:
            self.see_to_clock()
            return self._retain(keep_days, keep_gb)

    def _retain(self, keep_days: int, keep_gb: float) -> int:
        self._store.empty_log()
        held = {note.file for note in self.quarantined()}
        finished = finished_studies(one for one in self._store.instances() if one.file not in held)
        gone: list[Indexed | Note] = []
        oldest = ""
        if keep_days and self._believed:
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
        try:
            spool = Spool(data / "spool")
            spool.sweep()
            custody = Custody(data, spool, store, AuditLog(data, ae_title))
        except OSError as error:
            raise SettingError(f"the data folder {data} can't be used: {error}.") from error
        custody.desk.catch_up()
        yield custody


def _earlier(at: str, microseconds: int) -> str:
    """A time of a row, so much earlier."""
    before = datetime.fromisoformat(at) - timedelta(microseconds=microseconds)
    return before.isoformat(timespec="microseconds")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
