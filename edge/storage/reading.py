"""The index for who only reads it, the agent running or not: `edge results`."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from edge.protocol.row import CLOCK_FLAGS, MIXED_STUDY, SHARED_ID, PatientRow, Row
from edge.storage import entered, numbers
from edge.storage.index import NAME, read_cell, read_index, remedy
from edge.storage.wanted import EVERYTHING, Wanted
from scanside.errors import SettingError

# Whether the study of a row of `frames` also came under another patient ID, and whether its patient ID also
# came under another name. Asked anew each time: a corrected header that is sent again ends it.
_OTHER = """EXISTS (SELECT 1 FROM frames AS other WHERE other.patient_id {} frames.patient_id AND
    json_extract(other.row, '$.study_instance_uid') = json_extract(frames.row, '$.study_instance_uid'))"""
_NAMED = """EXISTS (SELECT 1 FROM frames AS other
    WHERE (other.patient_id, other.patient_issuer) = (frames.patient_id, frames.patient_issuer)
    AND other.person > '' AND other.person {} frames.person)"""


def _either(question: str) -> str:
    return f"({question.format('<')} OR {question.format('>')})"  # `!=` would look at every slide


_SHARED = f"(frames.patient_id > '' AND frames.person > '' AND {_either(_NAMED)})"
ASKED_ANEW = f"json_array({_either(_OTHER)}, {_SHARED})"  # whether each of these flags holds for a row:
_FLAGS = (MIXED_STUDY, SHARED_ID)
# Whether something was entered about the study of a row of `frames` after a time.
_ENTERED = """(json_extract(row, '$.study_instance_uid'), patient_id) IN
    (SELECT study, patient FROM entries WHERE json_extract(entry, '$.at') > ?)"""


RowType = TypeVar("RowType", bound=Row)


def read_rows(data: Path) -> list[Row]:
    """Every row of the store in the folder `data`, the first received first; the agent may be running.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    try:
        with contextlib.closing(read_index(data)) as db:
            rows = db.execute(
                f"SELECT row, {numbers.SLIDE}, {ASKED_ANEW} FROM frames "
                "ORDER BY received_at, sop_instance_uid, frame"
            ).fetchall()
        return [parse_row(Row, *row) for row in rows]
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{data / NAME} can't be read: {error}. {remedy(error)}") from error


def read_results(
    data: Path, wanted: Wanted = EVERYTHING, changed_after: str | None = None
) -> list[PatientRow]:
    """The rows that are wanted, study by study.

    Args:
        changed_after: only those with a newer result, or of a study with a newer entry, as rows say times,
            the oldest result first.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    where, values = wanted.where()
    order = (
        "MIN(received_at) OVER (PARTITION BY json_extract(row, '$.study_instance_uid'), patient_id), "
        "json_extract(row, '$.study_instance_uid'), patient_id, number, received_at, sop_instance_uid, frame"
    )
    if changed_after is not None:
        where += f" AND (json_extract(row, '$.assessed_at') > ? OR {_ENTERED})"
        values = [*values, changed_after, changed_after]
        order = "json_extract(row, '$.assessed_at')"
    try:
        with contextlib.closing(read_index(data)) as db:
            rows = db.execute(
                f"SELECT row, {numbers.SLIDE} AS number, {ASKED_ANEW}, patient_id, patient_name FROM frames "
                f"WHERE {where} ORDER BY {order}",
                values,
            ).fetchall()
        return [
            parse_row(PatientRow, row, slide, asked, patient_id=patient, patient_name=name)
            for row, slide, asked, patient, name in rows
        ]
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{data / NAME} can't be read: {error}. {remedy(error)}") from error


def read_studies(data: Path, wanted: Wanted = EVERYTHING) -> list[entered.StudyKept]:
    """The studies of the rows that are wanted, the first received first; the agent may be running.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    try:
        with contextlib.closing(read_index(data)) as db:
            return [entered.study_kept(db, *key) for key in entered.study_keys(db, *wanted.where())]
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{data / NAME} can't be read: {error}. {remedy(error)}") from error


def parse_row(kind: type[RowType], text: str, slide: int | None, asked: str, **about: Any) -> RowType:
    """Make a row of what the index holds.

    Args:
        text: the row as JSON.
        asked: what `ASKED_ANEW` gives.
        about: further attributes of `kind`.

    Raises:
        sqlite3.DatabaseError: the row can't be read.
    """
    row = read_cell(text, kind)
    holds = read_cell(asked, list[int])
    flags = [flag for flag, is_so in zip(_FLAGS, holds, strict=True) if is_so]
    if row.clock is not None:
        flags.append(CLOCK_FLAGS[row.clock])
    return replace(row, slide=slide, flags=(*row.flags, *flags), **about)
