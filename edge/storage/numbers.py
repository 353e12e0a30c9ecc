"""The number of each slide in its study: given once, as headers are read one after the other, and kept.

No clock has a part in it, and neither has how many slides somebody looks at. Functions of an open index;
whoever calls them holds it and its transaction.
"""

import sqlite3
from collections.abc import Iterable

from edge.storage.label import Slides, study_key

# The number of a row of `frames`; NULL before its header is read, and where that names no study.
SLIDE = """(SELECT numbers.slide FROM numbers
    WHERE (numbers.sop_instance_uid, numbers.frame) = (frames.sop_instance_uid, frames.frame)
    AND numbers.study = json_extract(frames.row, '$.study_instance_uid')
    AND numbers.patient = frames.patient_id)"""


def reserve(db: sqlite3.Connection, instance: str, slides: Slides) -> None:
    """Keep the numbers that a file's label gives to its slides, until its header is read."""
    if slides.first:
        db.execute(
            "INSERT OR REPLACE INTO reserved VALUES (?, ?, ?, ?)",
            (instance, slides.study, slides.first, slides.count),
        )


def give(db: sqlite3.Connection, instance: str, frames: Iterable[int], study: str, patient: str) -> None:
    """Number frames of an instance; those that have a number in this study of this patient keep it."""
    db.execute(
        "DELETE FROM numbers WHERE sop_instance_uid = ? AND (study, patient) != (?, ?)",
        (instance, study, patient),
    )
    key = study_key(study, patient)
    kept = db.execute(
        "SELECT first, count FROM reserved WHERE sop_instance_uid = ? AND study = ?", (instance, key)
    ).fetchone()
    first, count = kept or (0, 0)
    for at, frame in enumerate(frames):
        (highest,) = db.execute(
            "SELECT MAX(COALESCE((SELECT MAX(slide) FROM numbers WHERE study = ? AND patient = ?), 0), "
            "COALESCE((SELECT MAX(first + count - 1) FROM reserved WHERE study = ?), 0))",
            (study, patient, key),
        ).fetchone()
        taken = (
            at >= count
            or db.execute(
                "SELECT 1 FROM numbers WHERE study = ? AND patient = ? AND slide = ?",
                (study, patient, first + at),
            ).fetchone()
        )
        db.execute(
            "INSERT OR IGNORE INTO numbers VALUES (?, ?, ?, ?, ?)",
            (instance, frame, study, patient, highest + 1 if taken else first + at),
        )
    reserve(db, instance, given(db, instance))


def given(db: sqlite3.Connection, instance: str) -> Slides:
    """The numbers of an instance's slides, as its file's label says them."""
    found = db.execute(
        "SELECT slide, study, patient FROM numbers WHERE sop_instance_uid = ? ORDER BY frame", (instance,)
    ).fetchall()
    if not found:
        return Slides()
    first, study, patient = found[0]
    count = next((at for at, (slide, *_) in enumerate(found) if slide != first + at), len(found))
    return Slides(first, count, study_key(study, patient))


def forget(db: sqlite3.Connection, file: str) -> None:
    """The numbers of what came in `file`."""
    db.execute(
        "DELETE FROM numbers WHERE sop_instance_uid IN (SELECT sop_instance_uid FROM frames WHERE file = ?)",
        (file,),
    )
    db.execute(
        "DELETE FROM reserved WHERE sop_instance_uid IN (SELECT sop_instance_uid FROM frames WHERE file = ?)",
        (file,),
    )
