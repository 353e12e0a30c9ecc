"""The number of each slide in its study: given once, as headers are read one after the other, and kept.

No clock has a part in it, and neither has how many slides somebody looks at. Functions of an open index;
whoever calls them holds it and its transaction.
"""

import sqlite3
from collections.abc import Iterable

# The number of a row of `frames`; NULL before its header is read, and where that names no study.
SLIDE = """(SELECT numbers.slide FROM numbers
    WHERE (numbers.sop_instance_uid, numbers.frame) = (frames.sop_instance_uid, frames.frame)
    AND numbers.study = json_extract(frames.row, '$.study_instance_uid')
    AND numbers.patient = frames.patient_id)"""


def give(db: sqlite3.Connection, instance: str, frames: Iterable[int], study: str, patient: str) -> None:
    """Number frames of an instance; those that have a number in this study of this patient keep it."""
    db.execute(
        "DELETE FROM numbers WHERE sop_instance_uid = ? AND (study, patient) != (?, ?)",
        (instance, study, patient),
    )
    db.executemany(
        "INSERT OR IGNORE INTO numbers SELECT ?, ?, ?, ?, COALESCE(MAX(slide), 0) + 1 "
        "FROM numbers WHERE study = ? AND patient = ?",
        [(instance, frame, study, patient, study, patient) for frame in frames],
    )


def forget(db: sqlite3.Connection, file: str) -> None:
    """The numbers of what came in `file`."""
    db.execute(
        "DELETE FROM numbers WHERE sop_instance_uid IN (SELECT sop_instance_uid FROM frames WHERE file = ?)",
        (file,),
    )
