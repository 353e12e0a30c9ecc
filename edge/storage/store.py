"""DATA/results.sqlite: an index of the frames and their results, for people and programs to ask.

It can be deleted: the agent builds it anew from the spool, as does `edge rebuild`.
"""

import base64
import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edge.row import FAILED, MIXED_STUDY, PENDING, SCORED, Patient, Preview, Row, now
from edge.storage.spool import Spooled
from scanside.errors import SettingError

NAME = "results.sqlite"
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS frames (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    file TEXT NOT NULL,
    state TEXT NOT NULL,
    received_at TEXT NOT NULL,
    row TEXT NOT NULL,
    patient_name TEXT NOT NULL DEFAULT '',
    patient_id TEXT NOT NULL DEFAULT '',
    preview TEXT,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS replaced (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    row TEXT NOT NULL,
    preview TEXT,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS attempts (
    file TEXT PRIMARY KEY,
    count INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS by_study ON frames (json_extract(row, '$.study_instance_uid'), patient_id);
CREATE INDEX IF NOT EXISTS by_file ON frames (file);
CREATE INDEX IF NOT EXISTS by_time ON frames (received_at);
CREATE INDEX IF NOT EXISTS by_state ON frames (state);
"""

# Whether the study of a row of `frames` also came under another patient ID. Asked anew each time: a
# corrected header that is sent again ends it.
_MIXED = """EXISTS (SELECT 1 FROM frames AS other WHERE other.patient_id != frames.patient_id AND
    json_extract(other.row, '$.study_instance_uid') = json_extract(frames.row, '$.study_instance_uid'))"""

_INSTANCES = """SELECT file, sop_instance_uid, MIN(received_at),
    COALESCE(MAX(json_extract(row, '$.study_instance_uid')), ''), MAX(patient_id), MAX(state = ?)
    FROM frames"""

ViewRow = dict[str, Any]  # a row's keys, the patient's, and the preview: docs/watch-protocol.md


@dataclass(frozen=True)
class Indexed:
    """What the index knows of one instance; `pending`: not all of its frames have a result."""

    file: str
    sop_instance_uid: str
    received_at: str
    study_instance_uid: str
    patient_id: str
    pending: bool


class DamagedIndex(SettingError):
    """The file is no database or a damaged one; the spool has all to make it anew."""


class Store:
    """The index in the folder `data`, open for writing. Safe to use from several threads.

    Raises:
        DamagedIndex: the file is damaged.
        SettingError: it is of another version, or can't be opened or written.
    """

    def __init__(self, data: Path) -> None:
        self._lock = threading.Lock()
        path = data / NAME
        path.touch(mode=0o600)
        self._db = _connect(path.absolute().as_uri())
        with self._lock:
            try:
                version = self._db.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, _VERSION):
                    raise SettingError(f"{path} is of another version of edge. {_START_AFRESH}")
                damage = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
                if damage != "ok":
                    raise DamagedIndex(f"{path} is damaged: {' '.join(damage.split())}.")
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute("PRAGMA secure_delete = ON")  # what is purged is not left in free pages
                self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
            except SettingError:
                self._db.close()
                raise
            except sqlite3.DatabaseError as error:
                self._db.close()
                if type(error) is sqlite3.DatabaseError:  # its subclasses mean locked, full or read-only
                    raise DamagedIndex(f"{path} is damaged: {error}.") from error
                raise SettingError(f"{path} can't be used: {error}. {_START_AFRESH}") from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, spooled: Spooled, *, found: bool = False) -> tuple[ViewRow | None, str | None]:
        """Note that an instance arrived: one pending row, frame 1, until its header is known.

        An instance that is there already is left alone. One of the same UID but with other content
        takes its place; `previous` has the results of the first until the other has its own.

        Args:
            found: it did not arrive now but was found in the spool: the older of two gives way.

        Returns:
            The new row, None when there is none; and the name of the file that no longer counts.
        """
        row = Row(spooled.sop_instance_uid, 1, received_at=spooled.received_at)
        with self._lock, self._db:
            known = self._db.execute(
                "SELECT file, received_at FROM frames WHERE sop_instance_uid = ?", (row.sop_instance_uid,)
            ).fetchone()
            if known and known[0] == spooled.file:
                return None, None
            if known and found and known[1] > spooled.received_at:
                return None, spooled.file
            self._db.execute(
                "INSERT OR REPLACE INTO replaced SELECT sop_instance_uid, frame, row, preview FROM frames "
                "WHERE sop_instance_uid = ? AND state != ?",
                (row.sop_instance_uid, PENDING),
            )
            self._db.execute("DELETE FROM frames WHERE sop_instance_uid = ?", (row.sop_instance_uid,))
            self._insert(row, spooled.file, Patient())
        return _view(row, Patient(), None), known and known[0]

    def expand(
        self, file: str, study_instance_uid: str | None, patient: Patient, frames: Sequence[int]
    ) -> list[ViewRow]:
        """Give every frame that is to be scored its row, once the header is known.

        Returns:
            The rows of the file that are pending.
        """
        with self._lock, self._db:
            first = self._db.execute(
                "SELECT row FROM frames WHERE file = ? ORDER BY frame", (file,)
            ).fetchone()
            if first is None:  # replaced by another content meanwhile
                return []
            template = replace(_row(first[0]), study_instance_uid=study_instance_uid)
            for frame in frames:
                old = self._db.execute("SELECT state FROM frames WHERE file = ? AND frame = ?", (file, frame))
                if (old.fetchone() or (PENDING,))[0] == PENDING:
                    row = Row(
                        template.sop_instance_uid,
                        frame,
                        study_instance_uid=study_instance_uid,
                        received_at=template.received_at,
                    )
                    self._insert(row, file, patient)
            return self._views("WHERE file = ? AND state = ? ORDER BY frame", (file, PENDING))

    def previous(self, sop_instance_uid: str, frame: int) -> Row | None:
        """The result of a frame before other content came under its UID."""
        found = self._ask(
            "SELECT row FROM replaced WHERE sop_instance_uid = ? AND frame = ?", sop_instance_uid, frame
        )
        return _row(found[0][0]) if found else None

    def finish(self, file: str, row: Row, preview: Preview | None, *, reused: bool = False) -> ViewRow | None:
        """Store the result of one frame; None when its instance was replaced or put away meanwhile.

        Args:
            reused: it is that of `previous`, and so is the preview.
        """
        with self._lock, self._db:
            key = (row.sop_instance_uid, row.frame)
            changed = self._db.execute(
                "UPDATE frames SET state = ?, row = ?, preview = ? "
                "WHERE sop_instance_uid = ? AND frame = ? AND file = ? AND state = ?",
                (row.state, _json(asdict(row)), preview and _json(_preview(preview)), *key, file, PENDING),
            )
            if changed.rowcount == 0:
                return None
            if reused:
                self._db.execute(
                    "UPDATE frames SET preview = (SELECT preview FROM replaced "
                    "WHERE sop_instance_uid = ? AND frame = ?) WHERE sop_instance_uid = ? AND frame = ?",
                    (*key, *key),
                )
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

    def fail(self, file: str, reason: str) -> list[ViewRow]:
        """Give every pending frame of `file` the result "failed"; the rows that changed."""
        with self._lock, self._db:
            found = self._db.execute("SELECT row FROM frames WHERE file = ? AND state = ?", (file, PENDING))
            failed = [
                replace(_row(row), state=FAILED, reason=reason, assessed_at=now())
                for (row,) in found.fetchall()
            ]
            for row in failed:
                self._db.execute(
                    "UPDATE frames SET state = ?, row = ? WHERE sop_instance_uid = ? AND frame = ?",
                    (row.state, _json(asdict(row)), row.sop_instance_uid, row.frame),
                )
            if failed:
                self._db.execute(
                    "DELETE FROM replaced WHERE sop_instance_uid = ?", (failed[0].sop_instance_uid,)
                )
            return [
                view
                for row in failed
                for view in self._views(
                    "WHERE sop_instance_uid = ? AND frame = ?", (row.sop_instance_uid, row.frame)
                )
            ]

    def remove(self, files: Iterable[str]) -> None:
        """Forget these files and all that came of them, the pages on the disk included."""
        with self._lock:
            with self._db:
                for file in files:
                    self._db.execute(
                        "DELETE FROM replaced WHERE sop_instance_uid IN "
                        "(SELECT sop_instance_uid FROM frames WHERE file = ?)",
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

    def instance_of(self, sop_instance_uid: str) -> Indexed | None:
        """What is known of the current version of an instance."""
        where = "WHERE sop_instance_uid = ? GROUP BY file"
        return next(iter(self._instances(where, sop_instance_uid)), None)

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(self._ask("SELECT state, COUNT(*) FROM frames GROUP BY state"))

    def files(self) -> set[str]:
        """Names of the files that have rows."""
        return {file for (file,) in self._ask("SELECT DISTINCT file FROM frames")}

    def pending(self) -> list[Spooled]:
        """The instances that are not done, in the order in which they were received."""
        found = self._ask(
            "SELECT file, sop_instance_uid, received_at FROM frames WHERE state = ? "
            "GROUP BY file ORDER BY received_at",
            PENDING,
        )
        return [Spooled(*values) for values in found]

    def newest(self, count: int) -> list[ViewRow]:
        """The newest rows, oldest first; the newest scored one has its preview."""
        with self._lock:
            views = self._views("ORDER BY received_at DESC, frame DESC LIMIT ?", (count,))[::-1]
            scored = [view for view in views if view["state"] == SCORED]
            if scored:
                key = (scored[-1]["sop_instance_uid"], scored[-1]["frame"])
                found = self._db.execute(
                    "SELECT preview FROM frames WHERE sop_instance_uid = ? AND frame = ?", key
                ).fetchone()
                scored[-1]["preview"] = found[0] and json.loads(found[0])
        return views

    def _instances(self, which: str, *values: Any) -> list[Indexed]:
        found = self._ask(f"{_INSTANCES} {which}", PENDING, *values)
        return [
            Indexed(file, uid, received_at, study, patient, bool(pending))
            for file, uid, received_at, study, patient, pending in found
        ]

    def _insert(self, row: Row, file: str, patient: Patient) -> None:
        key = (row.sop_instance_uid, row.frame, file, row.state, row.received_at)
        self._db.execute(
            "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (*key, _json(asdict(row)), patient.name, patient.id),
        )

    def _views(self, where: str, values: tuple[Any, ...], preview: bool = False) -> list[ViewRow]:
        column = "preview" if preview else "NULL"
        found = self._db.execute(
            f"SELECT row, {_MIXED}, patient_name, patient_id, {column} FROM frames {where}", values
        )
        return [
            {
                **_said(row, mixed),
                "patient_name": name,
                "patient_id": identity,
                "preview": picture and json.loads(picture),
            }
            for row, mixed, name, identity, picture in found
        ]

    def _ask(self, question: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(question, values).fetchall()


def read_rows(data: Path) -> list[dict[str, Any]]:
    """Every row of the store in the folder `data`, the first received first; the agent may be running.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    path = data / NAME
    if not path.is_file():
        raise SettingError(f"no results in {data}: {NAME} is not there. Start the agent, or check --data.")
    try:
        db = _connect(f"{path.absolute().as_uri()}?mode=ro")
        try:
            rows = db.execute(
                f"SELECT row, {_MIXED} FROM frames ORDER BY received_at, sop_instance_uid, frame"
            ).fetchall()
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{path} can't be read: {error}. {_START_AFRESH}") from error
    return [_said(row, mixed) for row, mixed in rows]


_START_AFRESH = "It is built anew from the spool by: edge rebuild"


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=10, check_same_thread=False)


def _said(row: str, mixed: bool) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(row)
    return {**said, "flags": [*said["flags"], MIXED_STUDY]} if mixed else said


def _row(text: str) -> Row:
    said = json.loads(text)
    return Row(**{**said, "flags": tuple(said["flags"]), "skipped": tuple(said["skipped"])})


def _view(row: Row, patient: Patient, preview: Preview | None) -> ViewRow:
    picture = preview and _preview(preview)
    return {**asdict(row), "patient_name": patient.name, "patient_id": patient.id, "preview": picture}


def _preview(preview: Preview) -> dict[str, Any]:
    return {**asdict(preview), "png": base64.b64encode(preview.png).decode("ascii")}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
