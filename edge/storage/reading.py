"""The index for who only reads it, the agent running or not: `edge results`."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from edge.row import MIXED_STUDY
from edge.storage import entered, numbers
from edge.storage.index import NAME, START_AFRESH, read_index
from scanside.errors import SettingError

# Whether the study of a row of `frames` also came under another patient ID. Asked anew each time: a
# corrected header that is sent again ends it.
_OTHER = """EXISTS (SELECT 1 FROM frames AS other WHERE other.patient_id {} frames.patient_id AND
    json_extract(other.row, '$.study_instance_uid') = json_extract(frames.row, '$.study_instance_uid'))"""
MIXED = f"({_OTHER.format('<')} OR {_OTHER.format('>')})"  # `!=` would look at every slide of the study


def read_rows(data: Path) -> list[dict[str, Any]]:
    """Every row of the store in the folder `data`, the first received first; the agent may be running.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    try:
        with contextlib.closing(read_index(data)) as db:
            rows = db.execute(
                f"SELECT row, {numbers.SLIDE}, {MIXED} FROM frames "
                "ORDER BY received_at, sop_instance_uid, frame"
            ).fetchall()
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{data / NAME} can't be read: {error}. {START_AFRESH}") from error
    return [said(row, slide, mixed) for row, slide, mixed in rows]


def read_studies(data: Path) -> list[entered.StudyKept]:
    """Every study in the store, the first received first; the agent may be running.

    Raises:
        SettingError: there is no store, or it can't be read.
    """
    try:
        with contextlib.closing(read_index(data)) as db:
            return [entered.study_kept(db, *key) for key in entered.study_keys(db)]
    except sqlite3.DatabaseError as error:
        raise SettingError(f"{data / NAME} can't be read: {error}. {START_AFRESH}") from error


def said(row: str, slide: int | None, mixed: bool) -> dict[str, Any]:
    """A row as it is told."""
    told: dict[str, Any] = {**json.loads(row), "slide": slide}
    return {**told, "flags": [*told["flags"], MIXED_STUDY]} if mixed else told
