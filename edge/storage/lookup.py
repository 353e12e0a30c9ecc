"""What may be asked of the index while it is open."""

import sqlite3
import threading
from dataclasses import dataclass
from typing import Any

from edge.entries.entry import Entry
from edge.entries.finding import Found
from edge.protocol.row import DOUBTED, PENDING, SCORED, Preview, Row, ShownRow
from edge.storage import entered, numbers
from edge.storage.index import read_cell
from edge.storage.label import Slides
from edge.storage.reading import ASKED_ANEW, parse_row
from edge.storage.spool import Spooled
from edge.storage.wanted import Wanted

_PREVIEW = """(SELECT preview FROM pictures
    WHERE (pictures.sop_instance_uid, pictures.frame) = (frames.sop_instance_uid, frames.frame))"""
_INSTANCES = """SELECT file, sop_instance_uid, MIN(received_at),
    COALESCE(MAX(json_extract(row, '$.study_instance_uid')), ''), MAX(patient_id), MAX(patient_name),
    MAX(patient_issuer), MAX(state = ?)
    FROM frames"""
# Whether a pending instance had a result already as it is: other content would have come at another time.
_AGAIN = """EXISTS (SELECT 1 FROM replaced WHERE replaced.sop_instance_uid = frames.sop_instance_uid
    AND json_extract(replaced.row, '$.received_at') = frames.received_at)"""


@dataclass(frozen=True)
class Indexed:
    """What the index knows of one instance.

    Attributes:
        study_instance_uid, patient_id, patient_name, patient_issuer: empty before its header is read, and
            where that does not say.
        pending: not all of its frames have a result.
    """

    file: str
    sop_instance_uid: str
    received_at: str
    study_instance_uid: str
    patient_id: str
    patient_name: str
    patient_issuer: str
    pending: bool


@dataclass(frozen=True)
class Scored:
    """Which model scored the newest slide of a study.

    Attributes:
        digest: of its bundle.
        received_at: when that slide was received, as in a row.
    """

    digest: str
    received_at: str


@dataclass(frozen=True)
class Assessed:
    """An instance that has results.

    Attributes:
        slides: how many of its frames have one.
    """

    file: str
    study_instance_uid: str
    patient_id: str
    slides: int


class Lookup:
    """Reads the open index `db`. Safe to use from several threads."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def previous(self, sop_instance_uid: str, frame: int) -> Row | None:
        """The result of a frame before other content came under its UID."""
        found = self._ask(
            "SELECT row FROM replaced WHERE sop_instance_uid = ? AND frame = ?", sop_instance_uid, frame
        )
        return read_cell(found[0][0], Row) if found else None

    def entries(self) -> dict[entered.Key, Entry]:
        """What was entered, as the index knows it."""
        with self._lock:
            return entered.held(self._db)

    def study(self, study: str, patient: str) -> entered.StudyKept:
        with self._lock:
            return entered.study_kept(self._db, study, patient)

    def prepared(self, sop_instance_uid: str, frame: int) -> tuple[Preview | None, str | None]:
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
            one = entered.derive(self._db, read_cell(text, Row), read_cell(origin, Found), patient)
        pictures = read_cell(inputs, list[Preview])
        return pictures[one.speaks] if one.speaks < len(pictures) else None, one.row.image_digest

    def patients(self, study: str) -> list[str]:
        """The IDs under which a study came."""
        where = "WHERE json_extract(row, '$.study_instance_uid') = ?"
        return [name for (name,) in self._ask(f"SELECT DISTINCT patient_id FROM frames {where}", study)]

    def row(self, sop_instance_uid: str, frame: int, *, picture: bool = True) -> ShownRow | None:
        """One row, with its picture or without."""
        key = (sop_instance_uid, frame)
        with self._lock:
            found = self._views("WHERE sop_instance_uid = ? AND frame = ?", key, picture)
        return found[0] if found else None

    def instances(self) -> list[Indexed]:
        """Every instance, in the order in which they were received."""
        return self._instances("GROUP BY file ORDER BY MIN(received_at)")

    def instance(self, file: str) -> Indexed | None:
        """What is known of one file."""
        return next(iter(self._instances("WHERE file = ? GROUP BY file", file)), None)

    def taken(self, receipt: int) -> Indexed | None:
        """What is known of the instance with this receipt; None when it no longer counts."""
        return next(iter(self._instances("WHERE receipt = ? GROUP BY file", receipt)), None)

    def scored_by(self, receipt: int) -> Scored | None:
        """The model of the study that the instance with this receipt is of; None before it has a risk."""
        study = self._ask(
            "SELECT json_extract(row, '$.study_instance_uid'), patient_id FROM frames "
            "WHERE receipt = ? LIMIT 1",
            receipt,
        )
        return self._scored_by(*study[0]) if study else None

    def models_of_open(self, since: str) -> set[str]:
        """Digests of the models of studies that had an image since then, as rows say times, or still wait."""
        studies = self._ask(
            "SELECT DISTINCT json_extract(row, '$.study_instance_uid'), patient_id FROM frames "
            "WHERE received_at >= ? UNION "
            "SELECT DISTINCT json_extract(row, '$.study_instance_uid'), patient_id FROM frames "
            "WHERE state = ?",
            since,
            PENDING,
        )
        return {scored.digest for study in studies if (scored := self._scored_by(*study))}

    def _scored_by(self, study: str | None, patient: str) -> Scored | None:
        found = self._ask(  # 'scored' as a literal: only so the index by_scored serves
            "SELECT json_extract(row, '$.bundle_digest'), received_at FROM frames "
            f"WHERE {entered.OF_STUDY} AND state = 'scored' ORDER BY received_at DESC LIMIT 1",
            study,
            patient,
        )
        return Scored(*found[0]) if found else None

    def assessed(self, wanted: Wanted) -> list[Assessed]:
        """The instances that have results, of all studies of which a row is wanted, as they were received."""
        with self._lock:
            studies = entered.study_keys(self._db, *wanted.where())
        return [
            Assessed(file, *study, slides)
            for study in studies
            for file, slides in self._ask(
                f"SELECT file, COUNT(*) FROM frames WHERE {entered.OF_STUDY} AND state != ? "
                "GROUP BY file ORDER BY MIN(received_at)",
                *study,
                PENDING,
            )
        ]

    def slides(self, sop_instance_uid: str) -> Slides:
        """The numbers of an instance's slides."""
        with self._lock:
            return numbers.given(self._db, sop_instance_uid)

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

    def doubted(self) -> list[tuple[str, str]]:
        """File and time of those that came while the clock was not trusted, in the order of their times."""
        where = "WHERE json_extract(row, '$.clock') = ? GROUP BY file ORDER BY MIN(received_at)"
        return self._ask(f"SELECT file, MIN(received_at) FROM frames {where}", DOUBTED)

    def newest_received_at(self) -> str:
        """When the last image was received while the clock was trusted; empty where there is none."""
        where = "WHERE json_extract(row, '$.clock') IS NOT ? ORDER BY received_at DESC LIMIT 1"
        found = self._ask(f"SELECT received_at FROM frames {where}", DOUBTED)
        return str(found[0][0]) if found else ""

    def counts(self) -> dict[str, int]:
        """How many rows there are of each state."""
        return dict(self._ask("SELECT state, COUNT(*) FROM frames GROUP BY state"))

    def shared_ids(self) -> int:
        """How many patient IDs came under several names."""
        found = self._ask(
            "SELECT COUNT(*) FROM (SELECT 1 FROM frames WHERE patient_id > '' AND person > '' "
            "GROUP BY patient_id, patient_issuer HAVING MIN(person) < MAX(person))"
        )
        return int(found[0][0])

    def files(self) -> set[str]:
        """Names of the files that have rows."""
        return {file for (file,) in self._ask("SELECT DISTINCT file FROM frames")}

    def pending(self) -> list[Spooled]:
        """The instances that are not done, in the order in which they were received."""
        found = self._ask(
            "SELECT file, sop_instance_uid, received_at, json_extract(row, '$.source'), "
            f"json_extract(row, '$.scanner'), receipt, {_AGAIN} FROM frames "
            "WHERE state = ? GROUP BY file ORDER BY received_at",
            PENDING,
        )
        return [
            Spooled(
                file,
                uid,
                received_at,
                source=source or "",
                scanner=scanner or "",
                receipt=receipt,
                again=bool(again),
            )
            for file, uid, received_at, source, scanner, receipt, again in found
        ]

    def newest(self, count: int) -> list[ShownRow]:
        """The newest rows, oldest first; the newest scored one has its preview."""
        with self._lock:
            views = self._views("ORDER BY received_at DESC, frame DESC LIMIT ?", (count,))[::-1]
            for at in reversed(range(len(views))):
                if views[at].state == SCORED:
                    key = (views[at].sop_instance_uid, views[at].frame)
                    views[at] = self._views("WHERE sop_instance_uid = ? AND frame = ?", key, True)[0]
                    break
        return views

    def _instances(self, which: str, *values: Any) -> list[Indexed]:
        found = self._ask(f"{_INSTANCES} {which}", PENDING, *values)
        return [
            Indexed(file, uid, received_at, study, patient, name, issuer, bool(pending))
            for file, uid, received_at, study, patient, name, issuer, pending in found
        ]

    def _views(self, where: str, values: tuple[Any, ...], preview: bool = False) -> list[ShownRow]:
        column = _PREVIEW if preview else "NULL"
        found = self._db.execute(
            f"SELECT row, {numbers.SLIDE}, {ASKED_ANEW}, patient_name, patient_id, {column} "
            f"FROM frames {where}",
            values,
        )
        return [
            parse_row(
                ShownRow,
                row,
                slide,
                asked,
                patient_name=name,
                patient_id=identity,
                preview=read_cell(picture, Preview) if picture else None,
            )
            for row, slide, asked, name, identity, picture in found
        ]

    def _ask(self, question: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(question, values).fetchall()
