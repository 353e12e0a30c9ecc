"""DATA/results.sqlite: an index of the frames and their results, for people and programs to ask.

It can be deleted: the agent builds it anew from the spool and the journal, as does `edge rebuild`.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from edge.entries.entry import Entry
from edge.entries.finding import Derived, Found
from edge.protocol.json import to_json
from edge.protocol.row import FAILED, PENDING, Acquisition, Patient, Preview, Row, ShownRow, now
from edge.storage import entered, numbers
from edge.storage.index import NAME, UnusableIndex, read_cell
from edge.storage.label import Label
from edge.storage.lookup import Indexed
from edge.storage.spool import Spooled
from edge.storage.whose import person
from edge.storage.writable import WritableIndex

__all__ = ["NAME", "Indexed", "Store", "UnusableIndex"]

_OF_HEADER = (  # what of a row stays while its frame is scored again
    "sop_instance_uid", "frame", "study_instance_uid", "source", "scanner", "received_at", "clock",
    *(one.name for one in fields(Acquisition)),
)  # fmt: skip


@dataclass(frozen=True)
class Added:
    """What came of adding one instance.

    Attributes:
        row: its pending row; None when there is none, the file being known or older than what is.
        receipt: what jobs and results about it name. The same file gets another one when it comes back.
        outdated: name of the file that no longer counts, if any.
    """

    row: ShownRow | None
    receipt: int = 0
    outdated: str | None = None


class Store(WritableIndex):
    """The index in the folder `data`, open for writing. Safe to use from several threads.

    Raises:
        UnusableIndex: the file is damaged, or of another version.
        SettingError: it can't be opened or written.
    """

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        (last,) = self._db.execute("SELECT COALESCE(MAX(receipt), 0) FROM frames").fetchone()
        self._receipts = itertools.count(last + 1)  # none is given twice while jobs may know it

    def add(
        self, spooled: Spooled, *, found: bool = False, label: Label | None = None, known_at: str = ""
    ) -> Added:
        """Note that an instance arrived: one pending row, frame 1, until its header is known.

        An instance that is there already is left alone. One of the same UID but with other content
        takes its place; `previous` has the results of the first until the other has its own.

        Args:
            found: it did not arrive now but was found in the spool: the older of two gives way.
            label: that of its file.
            known_at: when the content that the index knows of this instance came last, as its label says.
        """
        row = Row(
            spooled.sop_instance_uid,
            1,
            received_at=spooled.received_at,
            source=spooled.source or None,
            scanner=spooled.scanner or None,
            clock=spooled.clock,
        )
        assert row.received_at is not None
        with self._lock, self._db:
            known = self._db.execute(
                "SELECT file, received_at FROM frames WHERE sop_instance_uid = ?", (row.sop_instance_uid,)
            ).fetchone()
            if known and known[0] == spooled.file:
                return Added(None)
            if known and found:
                last_at = label.last_at if label else row.received_at
                if last_at < (known_at or known[1]):
                    return Added(None, outdated=spooled.file)
                if row.received_at < known[1] and row.clock is None:  # it came again after the other
                    row = replace(row, received_at=last_at)
            self._set_previous("sop_instance_uid = ?", row.sop_instance_uid)
            for table in ("frames", "pictures"):
                self._db.execute(f"DELETE FROM {table} WHERE sop_instance_uid = ?", (row.sop_instance_uid,))
            receipt = next(self._receipts)
            self._insert(row, spooled.file, receipt, Patient())
            if label is not None:
                numbers.reserve(self._db, row.sop_instance_uid, label.slides)
        return Added(ShownRow(**vars(row)), receipt, known and known[0])

    def expand(
        self,
        receipt: int,
        study_instance_uid: str | None,
        patient: Patient,
        frames: Sequence[int],
        acquisition: Acquisition | None = None,
    ) -> list[ShownRow]:
        """Give every frame that is to be scored its row, once the header is known.

        Returns:
            The rows of the instance that are pending; none where its receipt no longer counts.
        """
        with self._lock, self._db:
            first = self._db.execute(
                "SELECT row, file FROM frames WHERE receipt = ? ORDER BY frame", (receipt,)
            ).fetchone()
            if first is None:  # replaced by another content meanwhile, or purged
                return []
            template, file = read_cell(first[0], Row), first[1]
            about = asdict(acquisition or Acquisition())
            for frame in frames:
                old = self._db.execute(
                    "SELECT state FROM frames WHERE receipt = ? AND frame = ?", (receipt, frame)
                )
                if (old.fetchone() or (PENDING,))[0] == PENDING:
                    row = Row(
                        template.sop_instance_uid,
                        frame,
                        study_instance_uid=study_instance_uid,
                        received_at=template.received_at,
                        source=template.source,
                        scanner=template.scanner,
                        clock=template.clock,
                        **about,
                    )
                    self._insert(row, file, receipt, patient)
            if study_instance_uid:
                numbers.give(self._db, template.sop_instance_uid, frames, study_instance_uid, patient.id)
            return self._views("WHERE receipt = ? AND state = ? ORDER BY frame", (receipt, PENDING))

    def finish(
        self,
        receipt: int,
        row: Row,
        preview: Preview | None,
        found: Found | None = None,
        prepared: Sequence[Preview] = (),
        *,
        reused: bool = False,
    ) -> ShownRow | None:
        """Store the result of one frame; None when its receipt no longer counts, or the frame is done.

        Args:
            receipt: that of the job which gave the result. The instance may have been replaced or put away
                meanwhile, or may have come back: then another job is about it.
            found: what the row follows from, where the frame was scored.
            prepared: what the network got of each scan that was found.
            reused: it is that of `previous`, and so are the pictures and what was found.
        """
        picture, origin = preview and to_json(preview), found and to_json(found)
        inputs = to_json(prepared)
        with self._lock, self._db:
            key = (row.sop_instance_uid, row.frame)
            owner = self._db.execute(
                "SELECT patient_id, received_at, json_extract(row, '$.clock') FROM frames "
                "WHERE sop_instance_uid = ? AND frame = ? AND receipt = ? AND state = ?",
                (*key, receipt, PENDING),
            ).fetchone()
            if owner is None:
                return None
            patient, received_at, clock = owner  # the time may be another than the job knows
            row = replace(row, received_at=received_at, clock=clock)
            if reused:
                picture, origin, inputs = self._db.execute(
                    "SELECT preview, found, prepared FROM replaced WHERE sop_instance_uid = ? AND frame = ?",
                    key,
                ).fetchone() or (None, None, "[]")
                found = read_cell(origin, Found) if origin else None
            self._db.execute(
                "UPDATE frames SET found = ? WHERE sop_instance_uid = ? AND frame = ?", (origin, *key)
            )
            self._db.execute(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", (*key, picture, inputs or "[]")
            )
            one = entered.derive(self._db, row, found, patient)
            before = self._db.execute(
                "SELECT row FROM replaced WHERE sop_instance_uid = ? AND frame = ?", key
            ).fetchone()
            if before is not None and _supersedes(one.row, read_cell(before[0], Row)):
                one = replace(one, row=replace(one.row, superseded=True))
            self._write(one, found)
            self._db.execute(
                "DELETE FROM replaced WHERE sop_instance_uid = ? AND NOT EXISTS "
                "(SELECT 1 FROM frames WHERE sop_instance_uid = ? AND state = ?)",
                (row.sop_instance_uid, row.sop_instance_uid, PENDING),
            )
            return self._views("WHERE sop_instance_uid = ? AND frame = ?", key, True)[0]

    def score_again(self, files: Iterable[str]) -> list[Spooled]:
        """Make the instances in these files pending again, all their frames; what is to be scored.

        Slides keep their numbers, and what was entered stays. Until an instance has all its new results,
        `previous` has those of before.
        """
        with self._lock, self._db:
            return [spooled for file in files for spooled in self._score_again(file)]

    def _score_again(self, file: str) -> list[Spooled]:
        rows = self._db.execute("SELECT row FROM frames WHERE file = ? ORDER BY frame", (file,)).fetchall()
        if not rows:
            return []
        self._set_previous("file = ?", file)
        receipt = next(self._receipts)
        for row in (read_cell(text, Row) for (text,) in rows):
            pending = Row(**{name: getattr(row, name) for name in _OF_HEADER})
            self._db.execute(
                "UPDATE frames SET receipt = ?, state = ?, row = ?, found = NULL, slide = NULL "
                "WHERE sop_instance_uid = ? AND frame = ?",
                (receipt, PENDING, to_json(pending), row.sop_instance_uid, row.frame),
            )
        first = read_cell(rows[0][0], Row)
        assert first.received_at is not None
        return [
            Spooled(
                file,
                first.sop_instance_uid,
                first.received_at,
                source=first.source or "",
                scanner=first.scanner or "",
                receipt=receipt,
                again=True,
                clock=first.clock,
            )
        ]

    def date(self, file: str, received_at: str, clock: str | None) -> None:
        """Say when a file was received, and by which clock (as in a row)."""
        with self._lock, self._db:
            self._db.execute(  # the result that an image had before it is scored again came with it
                "UPDATE replaced SET row = json_set(row, '$.received_at', ?1) WHERE EXISTS "
                "(SELECT 1 FROM frames WHERE frames.sop_instance_uid = replaced.sop_instance_uid "
                "AND frames.file = ?2 AND frames.received_at = json_extract(replaced.row, '$.received_at'))",
                (received_at, file),
            )
            self._db.execute(
                "UPDATE frames SET received_at = ?1, "
                "row = json_set(row, '$.received_at', ?1, '$.clock', ?2) WHERE file = ?3",
                (received_at, clock, file),
            )

    def attempt(self, file: str) -> int:
        """Count that `file` took the worker down; how often it has, agents before this one included."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO attempts VALUES (?, 1) ON CONFLICT (file) DO UPDATE SET count = count + 1",
                (file,),
            )
            (count,) = self._db.execute("SELECT count FROM attempts WHERE file = ?", (file,)).fetchone()
        return int(count)

    def fail(self, receipt: int, reason: str) -> list[ShownRow]:
        """Give every pending frame of an instance the result "failed"; the rows that changed."""
        with self._lock, self._db:
            found = self._db.execute(
                "SELECT row, patient_id FROM frames WHERE receipt = ? AND state = ?", (receipt, PENDING)
            )
            failed = [
                (replace(read_cell(row, Row), state=FAILED, reason=reason, assessed_at=now()), patient)
                for row, patient in found.fetchall()
            ]
            for row, patient in failed:
                self._write(entered.derive(self._db, row, None, patient), None)
            if failed:
                self._db.execute(
                    "DELETE FROM replaced WHERE sop_instance_uid = ?", (failed[0][0].sop_instance_uid,)
                )
            return [
                view
                for row, _ in failed
                for view in self._views(
                    "WHERE sop_instance_uid = ? AND frame = ?", (row.sop_instance_uid, row.frame)
                )
            ]

    def enter(self, entries: Iterable[Entry], gone: Iterable[entered.Key] = ()) -> list[ShownRow]:
        """Apply `entries`, and take back those of the keys `gone`; the rows that changed, without picture."""
        with self._lock, self._db:
            entries, gone = list(entries), list(gone)
            entered.put(self._db, entries)
            entered.remove(self._db, gone)
            changed = []
            for study, patient, instance, frame, _ in (*(entry.key for entry in entries), *gone):
                about: tuple[Any, ...] = (study, patient, instance, frame) if instance else (study, patient)
                changed += self._derive_anew(entered.OF_SLIDE if instance else entered.OF_STUDY, about)
            return changed

    def settle(self, site: Mapping[str, str]) -> None:
        """Keep what holds for every study here; rows follow where it changed."""
        with self._lock, self._db:
            before = entered.site(self._db)
            entered.put_site(self._db, site)
            if before.get(entered.CENTRE, entered.UNKNOWN) != site[entered.CENTRE]:
                self._derive_anew("found IS NOT NULL", ())

    def remove(self, files: Iterable[str], *, come_again: bool = False, for_good: bool = False) -> None:
        """Forget these files and all that came of them, the pages on the disk included.

        Args:
            come_again: they are added again at once: their slides keep their numbers.
            for_good: no byte of them may stay; `empty_log` then writes the whole index anew.
        """
        with self._lock:
            with self._db:
                for file in files:
                    if not come_again:
                        numbers.forget(self._db, file)
                    self._db.execute(
                        "DELETE FROM replaced WHERE sop_instance_uid IN "
                        "(SELECT sop_instance_uid FROM frames WHERE file = ?)",
                        (file,),
                    )
                    self._db.execute(
                        "DELETE FROM pictures WHERE (sop_instance_uid, frame) IN "
                        "(SELECT sop_instance_uid, frame FROM frames WHERE file = ?)",
                        (file,),
                    )
                    self._db.execute("DELETE FROM frames WHERE file = ?", (file,))
                    self._db.execute("DELETE FROM attempts WHERE file = ?", (file,))
            self._log_holds_removed = True
            self._pages_hold_removed |= for_good

    def _set_previous(self, where: str, value: str) -> None:
        """Let `previous` have the results of an instance."""
        self._db.execute(
            "INSERT OR REPLACE INTO replaced "
            "SELECT sop_instance_uid, frame, row, found, preview, prepared FROM frames "
            f"LEFT JOIN pictures USING (sop_instance_uid, frame) WHERE {where} AND state != ?",
            (value, PENDING),
        )

    def _insert(self, row: Row, file: str, receipt: int, patient: Patient) -> None:
        values = {
            "sop_instance_uid": row.sop_instance_uid,
            "frame": row.frame,
            "file": file,
            "receipt": receipt,
            "state": row.state,
            "received_at": row.received_at,
            "patient_name": patient.name,
            "patient_id": patient.id,
            "patient_issuer": patient.issuer,
            "person": person(patient.name),
            "row": to_json(row),
        }
        self._db.execute(
            f"INSERT OR REPLACE INTO frames ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )

    def _write(self, one: Derived, found: Found | None) -> None:
        """Store what was derived of a row that has a result."""
        key = (one.row.sop_instance_uid, one.row.frame)
        self._db.execute(
            "UPDATE frames SET state = ?, row = ?, slide = ? WHERE sop_instance_uid = ? AND frame = ?",
            (one.row.state, to_json(one.row), to_json(one.slide), *key),
        )
        if found is not None and len(found.scans) > 1:  # the picture outlines the scan that speaks
            scan = found.scans[one.speaks]
            self._db.execute(
                "UPDATE pictures SET preview = "
                "json_set(preview, '$.outline', json(?), '$.annotations', json(?)) "
                "WHERE sop_instance_uid = ? AND frame = ?",
                (to_json(scan.outline or []), to_json(scan.removed or []), *key),
            )

    def _derive_anew(self, where: str, values: tuple[Any, ...]) -> list[ShownRow]:
        """Rows that have a result, under what is known now; those that changed."""
        rows = self._db.execute(
            f"SELECT row, found, patient_id FROM frames WHERE {where} AND state != '{PENDING}'", values
        ).fetchall()
        changed = []
        for text, origin, patient in rows:
            row, found = read_cell(text, Row), read_cell(origin, Found) if origin else None
            one = entered.derive(self._db, row, found, patient)
            if (one.row.risk, one.row.risk_if) != (row.risk, row.risk_if):
                one = replace(one, row=replace(one.row, superseded=True))
            if one.row != row:
                self._write(one, found)
                changed.append((row.sop_instance_uid, row.frame))
        return [
            view for key in changed for view in self._views("WHERE sop_instance_uid = ? AND frame = ?", key)
        ]


def _supersedes(row: Row, before: Row) -> bool:
    """Whether a row stands in place of another risk than its own."""
    told = before.risk is not None or before.risk_if
    return before.superseded or bool(told and (before.risk, before.risk_if) != (row.risk, row.risk_if))
