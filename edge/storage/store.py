"""DATA/results.sqlite: an index of the frames and their results, for people and programs to ask.

It can be deleted: the agent builds it anew from the spool and the journal, as does `edge rebuild`.
"""

import base64
import itertools
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edge.entries.entry import Entry
from edge.entries.finding import Derived, Found, found_of, told
from edge.row import FAILED, PENDING, SCORED, Acquisition, Patient, Preview, Row, now
from edge.storage import entered, numbers
from edge.storage.index import NAME, UnusableIndex, open_index
from edge.storage.reading import MIXED, said
from edge.storage.spool import Spooled

__all__ = ["NAME", "Indexed", "Store", "UnusableIndex", "ViewRow"]

_PREVIEW = """(SELECT preview FROM pictures
    WHERE (pictures.sop_instance_uid, pictures.frame) = (frames.sop_instance_uid, frames.frame))"""
_INSTANCES = """SELECT file, sop_instance_uid, MIN(received_at),
    COALESCE(MAX(json_extract(row, '$.study_instance_uid')), ''), MAX(patient_id), MAX(state = ?)
    FROM frames"""

ViewRow = dict[str, Any]  # a row's keys, the patient's, and the preview: docs/watch-protocol.md


@dataclass(frozen=True)
class Added:
    """What came of adding one instance.

    Attributes:
        row: its pending row; None when there is none, the file being known or older than what is.
        receipt: what jobs and results about it name. The same file gets another one when it comes back.
        outdated: name of the file that no longer counts, if any.
    """

    row: ViewRow | None
    receipt: int = 0
    outdated: str | None = None


@dataclass(frozen=True)
class Indexed:
    """What the index knows of one instance.

    Attributes:
        study_instance_uid, patient_id: empty before its header is read, and where that does not say.
        pending: not all of its frames have a result.
    """

    file: str
    sop_instance_uid: str
    received_at: str
    study_instance_uid: str
    patient_id: str
    pending: bool


class Store:
    """The index in the folder `data`, open for writing. Safe to use from several threads.

    Raises:
        UnusableIndex: the file is damaged, or of another version.
        SettingError: it can't be opened or written.
    """

    def __init__(self, data: Path) -> None:
        self._lock = threading.Lock()
        self._db = open_index(data)
        (last,) = self._db.execute("SELECT COALESCE(MAX(receipt), 0) FROM frames").fetchone()
        self._receipts = itertools.count(last + 1)  # none is given twice while jobs may know it

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, spooled: Spooled, *, found: bool = False) -> Added:
        """Note that an instance arrived: one pending row, frame 1, until its header is known.

        An instance that is there already is left alone. One of the same UID but with other content
        takes its place; `previous` has the results of the first until the other has its own.

        Args:
            found: it did not arrive now but was found in the spool: the older of two gives way.
        """
        row = Row(spooled.sop_instance_uid, 1, received_at=spooled.received_at, source=spooled.source or None)
        with self._lock, self._db:
            known = self._db.execute(
                "SELECT file, received_at FROM frames WHERE sop_instance_uid = ?", (row.sop_instance_uid,)
            ).fetchone()
            if known and known[0] == spooled.file:
                return Added(None)
            if known and found and known[1] > spooled.received_at:
                return Added(None, outdated=spooled.file)
            self._db.execute(
                "INSERT OR REPLACE INTO replaced "
                "SELECT sop_instance_uid, frame, row, found, preview, prepared FROM frames "
                "LEFT JOIN pictures USING (sop_instance_uid, frame) "
                "WHERE sop_instance_uid = ? AND state != ?",
                (row.sop_instance_uid, PENDING),
            )
            for table in ("frames", "pictures"):
                self._db.execute(f"DELETE FROM {table} WHERE sop_instance_uid = ?", (row.sop_instance_uid,))
            receipt = next(self._receipts)
            self._insert(row, spooled.file, receipt, Patient())
        return Added(_view(row, Patient(), None), receipt, known and known[0])

    def expand(
        self,
        receipt: int,
        study_instance_uid: str | None,
        patient: Patient,
        frames: Sequence[int],
        acquisition: Acquisition | None = None,
    ) -> list[ViewRow]:
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
            template, file = replace(_row(first[0]), study_instance_uid=study_instance_uid), first[1]
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
                        **about,
                    )
                    self._insert(row, file, receipt, patient)
            if study_instance_uid:
                numbers.give(self._db, template.sop_instance_uid, frames, study_instance_uid, patient.id)
            return self._views("WHERE receipt = ? AND state = ? ORDER BY frame", (receipt, PENDING))

    def previous(self, sop_instance_uid: str, frame: int) -> Row | None:
        """The result of a frame before other content came under its UID."""
        found = self._ask(
            "SELECT row FROM replaced WHERE sop_instance_uid = ? AND frame = ?", sop_instance_uid, frame
        )
        return _row(found[0][0]) if found else None

    def finish(
        self,
        receipt: int,
        row: Row,
        preview: Preview | None,
        found: Found | None = None,
        prepared: Sequence[Preview] = (),
        *,
        reused: bool = False,
    ) -> ViewRow | None:
        """Store the result of one frame; None when its receipt no longer counts, or the frame is done.

        Args:
            receipt: that of the job which gave the result. The instance may have been replaced or put away
                meanwhile, or may have come back: then another job is about it.
            found: what the row follows from, where the frame was scored.
            prepared: what the network got of each scan that was found.
            reused: it is that of `previous`, and so are the pictures and what was found.
        """
        picture, origin = preview and _json(_preview(preview)), found and _json(told(found))
        inputs = _json([_preview(one) for one in prepared])
        with self._lock, self._db:
            key = (row.sop_instance_uid, row.frame)
            owner = self._db.execute(
                "SELECT patient_id FROM frames "
                "WHERE sop_instance_uid = ? AND frame = ? AND receipt = ? AND state = ?",
                (*key, receipt, PENDING),
            ).fetchone()
            if owner is None:
                return None
            if reused:
                picture, origin, inputs = self._db.execute(
                    "SELECT preview, found, prepared FROM replaced WHERE sop_instance_uid = ? AND frame = ?",
                    key,
                ).fetchone() or (None, None, "[]")
                found = found_of(json.loads(origin)) if origin else None
            self._db.execute(
                "UPDATE frames SET found = ? WHERE sop_instance_uid = ? AND frame = ?", (origin, *key)
            )
            self._db.execute(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", (*key, picture, inputs or "[]")
            )
            one = entered.derive(self._db, row, found, owner[0])
            if reused and (one.row.risk, one.row.risk_if) != (row.risk, row.risk_if):
                one = replace(one, row=replace(one.row, superseded=True))
            self._write(one, found)
            self._db.execute(
                "DELETE FROM replaced WHERE sop_instance_uid = ? AND NOT EXISTS "
                "(SELECT 1 FROM frames WHERE sop_instance_uid = ? AND state = ?)",
                (row.sop_instance_uid, row.sop_instance_uid, PENDING),
            )
            return self._views("WHERE sop_instance_uid = ? AND frame = ?", key, True)[0]

    def attempt(self, file: str) -> int:
        """Count that `file` took the worker down; how often it has, agents before this one included."""
        with self._lock, self._db:
            self._db.execute(
                "INSERT INTO attempts VALUES (?, 1) ON CONFLICT (file) DO UPDATE SET count = count + 1",
                (file,),
            )
            (count,) = self._db.execute("SELECT count FROM attempts WHERE file = ?", (file,)).fetchone()
        return int(count)

    def fail(self, receipt: int, reason: str) -> list[ViewRow]:
        """Give every pending frame of an instance the result "failed"; the rows that changed."""
        with self._lock, self._db:
            found = self._db.execute(
                "SELECT row, patient_id FROM frames WHERE receipt = ? AND state = ?", (receipt, PENDING)
            )
            failed = [
                (replace(_row(row), state=FAILED, reason=reason, assessed_at=now()), patient)
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

    def enter(self, entries: Iterable[Entry], gone: Iterable[entered.Key] = ()) -> list[ViewRow]:
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

    def entries(self) -> dict[entered.Key, Entry]:
        """What was entered, as the index knows it."""
        with self._lock:
            return entered.held(self._db)

    def settle(self, site: Mapping[str, str]) -> None:
        """Keep what holds for every study here; rows follow where it changed."""
        with self._lock, self._db:
            before = entered.site(self._db)
            entered.put_site(self._db, site)
            if before.get(entered.CENTRE, entered.UNKNOWN) != site[entered.CENTRE]:
                self._derive_anew("found IS NOT NULL", ())

    def study(self, study: str, patient: str) -> entered.StudyKept:
        with self._lock:
            return entered.study_kept(self._db, study, patient)

    def prepared(self, sop_instance_uid: str, frame: int) -> tuple[ViewRow | None, str | None]:
        """What the network got of the scan that speaks for a frame, as a preview, and the image's digest.

        Both None if it was not scored.
        """
        with self._lock:
            held = self._db.execute(
                "SELECT row, found, prepared, patient_id FROM frames "
                "JOIN pictures USING (sop_instance_uid, frame) "
                "WHERE sop_instance_uid = ? AND frame = ? AND found IS NOT NULL",
                (sop_instance_uid, frame),
            ).fetchone()
            if held is None:
                return None, None
            text, origin, inputs, patient = held
            one = entered.derive(self._db, _row(text), found_of(json.loads(origin)), patient)
        pictures: list[ViewRow] = json.loads(inputs)
        return pictures[one.speaks] if one.speaks < len(pictures) else None, one.row.image_digest

    def patients(self, study: str) -> list[str]:
        """The IDs under which a study came."""
        where = "WHERE json_extract(row, '$.study_instance_uid') = ?"
        return [name for (name,) in self._ask(f"SELECT DISTINCT patient_id FROM frames {where}", study)]

    def row(self, sop_instance_uid: str, frame: int, *, picture: bool = True) -> ViewRow | None:
        """One row, with its picture or without."""
        key = (sop_instance_uid, frame)
        with self._lock:
            found = self._views("WHERE sop_instance_uid = ? AND frame = ?", key, picture)
        return found[0] if found else None

    def remove(self, files: Iterable[str], *, come_again: bool = False) -> None:
        """Forget these files and all that came of them, the pages on the disk included.

        Args:
            come_again: they are added again at once: their slides keep their numbers.
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
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def instances(self) -> list[Indexed]:
        """Every instance, in the order in which they were received."""
        return self._instances("GROUP BY file ORDER BY MIN(received_at)")

    def instance(self, file: str) -> Indexed | None:
        """What is known of one file."""
        return next(iter(self._instances("WHERE file = ? GROUP BY file", file)), None)

    def taken(self, receipt: int) -> Indexed | None:
        """What is known of the instance with this receipt; None when it no longer counts."""
        return next(iter(self._instances("WHERE receipt = ? GROUP BY file", receipt)), None)

    def instance_of(self, sop_instance_uid: str) -> Indexed | None:
        """What is known of the current version of an instance."""
        where = "WHERE sop_instance_uid = ? GROUP BY file"
        return next(iter(self._instances(where, sop_instance_uid)), None)

    def outcomes(self, receipt: int) -> list[tuple[int, str, str | None]]:
        """Number, state and reason of those frames of an instance that have a result."""
        where = "WHERE receipt = ? AND state != ?"
        return self._ask(
            f"SELECT frame, state, json_extract(row, '$.reason') FROM frames {where}", receipt, PENDING
        )

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(self._ask("SELECT state, COUNT(*) FROM frames GROUP BY state"))

    def files(self) -> set[str]:
        """Names of the files that have rows."""
        return {file for (file,) in self._ask("SELECT DISTINCT file FROM frames")}

    def pending(self) -> list[Spooled]:
        """The instances that are not done, in the order in which they were received."""
        found = self._ask(
            "SELECT file, sop_instance_uid, received_at, json_extract(row, '$.source'), receipt FROM frames "
            "WHERE state = ? GROUP BY file ORDER BY received_at",
            PENDING,
        )
        return [
            Spooled(file, uid, received_at, source=source or "", receipt=receipt)
            for file, uid, received_at, source, receipt in found
        ]

    def newest(self, count: int) -> list[ViewRow]:
        """The newest rows, oldest first; the newest scored one has its preview."""
        with self._lock:
            views = self._views("ORDER BY received_at DESC, frame DESC LIMIT ?", (count,))[::-1]
            scored = [view for view in views if view["state"] == SCORED]
            if scored:
                key = (scored[-1]["sop_instance_uid"], scored[-1]["frame"])
                scored[-1] |= self._views("WHERE sop_instance_uid = ? AND frame = ?", key, True)[0]
        return views

    def _instances(self, which: str, *values: Any) -> list[Indexed]:
        found = self._ask(f"{_INSTANCES} {which}", PENDING, *values)
        return [
            Indexed(file, uid, received_at, study, patient, bool(pending))
            for file, uid, received_at, study, patient, pending in found
        ]

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
            "row": _json(asdict(row)),
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
            (one.row.state, _json(asdict(one.row)), _json(asdict(one.slide)), *key),
        )
        if found is not None and len(found.scans) > 1:  # the picture outlines the scan that speaks
            scan = found.scans[one.speaks]
            self._db.execute(
                "UPDATE pictures SET preview = "
                "json_set(preview, '$.outline', json(?), '$.annotations', json(?)) "
                "WHERE sop_instance_uid = ? AND frame = ?",
                (_json(scan.outline or []), _json(scan.removed or []), *key),
            )

    def _derive_anew(self, where: str, values: tuple[Any, ...]) -> list[ViewRow]:
        """Rows that have a result, under what is known now; those that changed."""
        rows = self._db.execute(
            f"SELECT row, found, patient_id FROM frames WHERE {where} AND state != '{PENDING}'", values
        ).fetchall()
        changed = []
        for text, origin, patient in rows:
            row, found = _row(text), found_of(json.loads(origin)) if origin else None
            one = entered.derive(self._db, row, found, patient)
            if (one.row.risk, one.row.risk_if) != (row.risk, row.risk_if):
                one = replace(one, row=replace(one.row, superseded=True))
            if one.row != row:
                self._write(one, found)
                changed.append((row.sop_instance_uid, row.frame))
        return [
            view for key in changed for view in self._views("WHERE sop_instance_uid = ? AND frame = ?", key)
        ]

    def _views(self, where: str, values: tuple[Any, ...], preview: bool = False) -> list[ViewRow]:
        column = _PREVIEW if preview else "NULL"
        found = self._db.execute(
            f"SELECT row, {numbers.SLIDE}, {MIXED}, patient_name, patient_id, {column} FROM frames {where}",
            values,
        )
        return [
            {
                **said(row, slide, mixed),
                "patient_name": name,
                "patient_id": identity,
                "preview": picture and json.loads(picture),
            }
            for row, slide, mixed, name, identity, picture in found
        ]

    def _ask(self, question: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(question, values).fetchall()


def _row(text: str) -> Row:
    said = json.loads(text)
    lists = {name: tuple(said.get(name, ())) for name in ("flags", "exam", "skipped")}
    return Row(**{**said, **lists})


def _view(row: Row, patient: Patient, preview: Preview | None) -> ViewRow:
    picture = preview and _preview(preview)
    return {**asdict(row), "patient_name": patient.name, "patient_id": patient.id, "preview": picture}


def _preview(preview: Preview) -> dict[str, Any]:
    return {**asdict(preview), "png": base64.b64encode(preview.png).decode("ascii")}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
