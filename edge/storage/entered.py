"""What people entered, as the index holds it: the journal's last word on each thing, and what follows.

Functions of an open index; whoever calls them holds it and its transaction.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.entries.entry import DISPUTED, LEFT_OUT, LESION, SIDE, Entry
from edge.entries.finding import Derived, Found, Marks, derived
from edge.protocol.json import to_json
from edge.protocol.row import PENDING, Row
from edge.storage import numbers
from edge.storage.index import read_cell
from scanside.assess.study import Side, Slide

CENTRE, ASKED, FINAL_AFTER_S = "centre", "clinical_inputs", "final_after_s"
UNKNOWN = "unknown"
Key = tuple[str, str, str, int, str]
OF_SLIDE = (
    "json_extract(row, '$.study_instance_uid') = ? AND patient_id = ? AND sop_instance_uid = ? AND frame = ?"
)
OF_STUDY = "json_extract(row, '$.study_instance_uid') = ? AND patient_id = ?"


def asked_by(digest: str) -> str:
    """The name under which the site keeps which clinical inputs a model asks for."""
    return f"{ASKED} of {digest}"


@dataclass(frozen=True)
class StudyKept:
    """What the index holds of a study of a patient.

    Attributes:
        where: instance and frame of each slide that has a result, by their numbers.
        slides: what each of them gives to the figures.
        waiting: images of which not every frame has a result.
        last_received_at: of its images; ISO 8601, UTC.
        facts: what was entered, by the fact's name; also that it is unknown.
        site: what holds for every study here (`put_site`).
        numbers: of the slides in `where`.
        frames: how many slides there are, with those that wait.
    """

    study: str
    patient: str
    where: list[tuple[str, int]]
    slides: list[Slide]
    waiting: int
    last_received_at: str
    facts: Mapping[str, Entry]
    site: Mapping[str, str]
    numbers: list[int | None]
    frames: int


def put(db: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)",
        ((*entry.key, to_json(entry)) for entry in entries),
    )


def remove(db: sqlite3.Connection, keys: Iterable[Key]) -> None:
    db.executemany(
        "DELETE FROM entries WHERE study = ? AND patient = ? AND instance = ? AND frame = ? AND what = ?",
        keys,
    )


def held(db: sqlite3.Connection) -> dict[Key, Entry]:
    """All of them."""
    return {
        entry.key: entry
        for entry in map(_entry, (text for (text,) in db.execute("SELECT entry FROM entries")))
    }


def put_site(db: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Keep what holds for every study here: the centre, what the model asks for, when a study is final."""
    db.executemany("INSERT OR REPLACE INTO site VALUES (?, ?)", values.items())


def site(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, value FROM site").fetchall())


def derive(db: sqlite3.Connection, row: Row, found: Found | None, patient: str) -> Derived:
    """`row` under all that is known and was entered."""
    study = row.study_instance_uid or ""
    entries = [
        _entry(text)
        for (text,) in db.execute(
            "SELECT entry FROM entries "
            "WHERE study = ? AND patient = ? AND instance IN ('', ?) AND frame IN (0, ?)",
            (study, patient, row.sop_instance_uid, row.frame),
        )
    ]
    return derived(row, found, _known(db, entries), _marks(entries, row))


def study_kept(db: sqlite3.Connection, study: str, patient: str) -> StudyKept:
    rows = db.execute(
        f"SELECT sop_instance_uid, frame, state, slide, received_at, {numbers.SLIDE} AS number "
        f"FROM frames WHERE {OF_STUDY} ORDER BY number, received_at, frame",
        (study, patient),
    ).fetchall()
    done = [row for row in rows if row[3] is not None]
    slides = read_cell(f"[{','.join(row[3] for row in done)}]", list[Slide])
    facts = db.execute(
        "SELECT entry FROM entries WHERE study = ? AND patient = ? AND instance = ''", (study, patient)
    )
    return StudyKept(
        study,
        patient,
        [(row[0], row[1]) for row in done],
        slides,
        len({row[0] for row in rows if row[2] == PENDING}),
        max((row[4] for row in rows), default=""),
        {entry.what: entry for entry in map(_entry, (text for (text,) in facts))},
        site(db),
        [row[5] for row in done],
        len(rows),
    )


def study_keys(
    db: sqlite3.Connection, where: str = "TRUE", values: Sequence[Any] = ()
) -> list[tuple[str, str]]:
    """UID and patient of every study that has a row for which `where` holds, the first received first."""
    return db.execute(
        "SELECT json_extract(row, '$.study_instance_uid') AS study, patient_id FROM frames "
        f"WHERE study IS NOT NULL AND {where} GROUP BY study, patient_id ORDER BY MIN(received_at)",
        values,
    ).fetchall()


def _known(db: sqlite3.Connection, entries: Iterable[Entry]) -> dict[str, str]:
    centre = site(db).get(CENTRE, UNKNOWN)
    facts = {CENTRE: centre, **{entry.what: str(entry.value) for entry in entries if not entry.instance}}
    return {name: value for name, value in facts.items() if value != UNKNOWN}


def _marks(entries: Iterable[Entry], row: Row) -> Marks:
    """Those about the very image that the row is about."""
    if row.state == PENDING:
        return Marks()
    mine = [entry for entry in entries if entry.instance and entry.image == row.image_digest]
    about, why = {entry.what: entry.value for entry in mine}, {entry.what: entry.reason for entry in mine}
    side, lesion, disputed = about.get(SIDE), about.get(LESION), about.get(DISPUTED)
    return Marks(
        side=Side(side) if side else None,
        lesion=int(lesion) if lesion is not None else None,
        left_out=bool(about.get(LEFT_OUT)),
        left_out_reason=why.get(LEFT_OUT) if about.get(LEFT_OUT) else None,
        disputed=str(disputed) if disputed is not None else None,
    )


def _entry(text: str) -> Entry:
    return read_cell(text, Entry)
