"""DATA/results.sqlite as a database: its tables, and how it is opened.

It can be deleted: the agent builds it anew from the spool and the journal, as does `edge rebuild`.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TypeVar

from edge.protocol.json import from_json
from scanside.errors import SettingError

NAME = "results.sqlite"
START_AFRESH = "It is built anew from the spool by: edge rebuild"
_OUTSIDE = "Is its disk full or failing, or does another program hold it? See: edge status"
WAIT_S = 10  # for another program that has the index locked
_VERSION = 6
# frames.receipt: which taking of the file into the index a job and its result must be about.
# frames.person: the patient's name for comparison (edge/storage/whose.py).
# frames.found: what the row is derived from; frames.slide: what the study's figures need of it.
# Pictures have a table of their own: with them a look at a study of 200 slides would read 20 MB.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS frames (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    file TEXT NOT NULL,
    receipt INTEGER NOT NULL,
    state TEXT NOT NULL,
    received_at TEXT NOT NULL,
    slide TEXT,
    patient_name TEXT NOT NULL DEFAULT '',
    patient_id TEXT NOT NULL DEFAULT '',
    patient_issuer TEXT NOT NULL DEFAULT '',
    person TEXT NOT NULL DEFAULT '',
    row TEXT NOT NULL,
    found TEXT,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS pictures (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    preview TEXT,
    prepared TEXT NOT NULL,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS replaced (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    row TEXT NOT NULL,
    found TEXT,
    preview TEXT,
    prepared TEXT,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS entries (
    study TEXT NOT NULL,
    patient TEXT NOT NULL,
    instance TEXT NOT NULL,
    frame INTEGER NOT NULL,
    what TEXT NOT NULL,
    entry TEXT NOT NULL,
    PRIMARY KEY (study, patient, instance, frame, what)
);
CREATE TABLE IF NOT EXISTS numbers (
    sop_instance_uid TEXT NOT NULL,
    frame INTEGER NOT NULL,
    study TEXT NOT NULL,
    patient TEXT NOT NULL,
    slide INTEGER NOT NULL,
    PRIMARY KEY (sop_instance_uid, frame)
);
CREATE TABLE IF NOT EXISTS reserved (
    sop_instance_uid TEXT PRIMARY KEY,
    study TEXT NOT NULL,
    first INTEGER NOT NULL,
    count INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS site (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    file TEXT PRIMARY KEY,
    count INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS by_study ON frames (json_extract(row, '$.study_instance_uid'), patient_id);
CREATE INDEX IF NOT EXISTS by_scored ON frames
    (json_extract(row, '$.study_instance_uid'), patient_id, received_at) WHERE state = 'scored';
CREATE INDEX IF NOT EXISTS by_person ON frames (patient_id, patient_issuer, person);
CREATE INDEX IF NOT EXISTS by_number ON numbers (study, patient, slide);
CREATE INDEX IF NOT EXISTS by_reserved ON reserved (study, first + count);
CREATE INDEX IF NOT EXISTS by_file ON frames (file);
CREATE INDEX IF NOT EXISTS by_receipt ON frames (receipt);
CREATE INDEX IF NOT EXISTS by_time ON frames (received_at);
CREATE INDEX IF NOT EXISTS by_state ON frames (state);
"""

T = TypeVar("T")


class UnusableIndex(SettingError):
    """The file is damaged, or of another version of edge; spool and journal have all to make it anew."""


class NoRoomBesideIndex(SettingError):
    """The files that SQLite keeps beside the index can't be made: its disk is full, or no longer writable."""


def open_index(data: Path, *, alone: bool = False) -> sqlite3.Connection:
    """The index in the folder `data`, made when missing, for writing.

    Args:
        alone: nobody else can read it meanwhile; then SQLite needs no file for what readers share (-shm), and
            an index opens on a full disk.

    Raises:
        UnusableIndex: the file is damaged, or of a version that this one can't use.
        NoRoomBesideIndex: it may be opened alone.
        SettingError: it can't be opened or written.
    """
    path = data / NAME
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise SettingError(f"{path} can't be used: {error.strerror}. Whose file is it?") from error
    with contextlib.ExitStack() as opened:
        try:
            db = opened.enter_context(contextlib.closing(_connect(path.absolute().as_uri())))
            if alone:
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise UnusableIndex(f"{path} is of another version of edge.")
            damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise UnusableIndex(f"{path} is damaged: {' '.join(damage.split())}.")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")  # what is purged is not left in free pages
            db.executescript(_SCHEMA)
            if version == 0:
                db.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.DatabaseError as error:
            if type(error) is sqlite3.DatabaseError:  # its subclasses mean locked, full or read-only
                raise UnusableIndex(f"{path} is damaged: {error}.") from error
            kind = SettingError if alone or "locked" in str(error) else NoRoomBesideIndex
            raise kind(f"{path} can't be used: {error}. {remedy(error)}") from error
        opened.pop_all()
    return db


def read_cell(text: str | bytes, kind: type[T]) -> T:
    """Read a value of type `kind` from a cell of the index.

    Raises:
        sqlite3.DatabaseError: it is no such value, so the index is damaged as if a page of it were.
    """
    try:
        return from_json(text, kind)
    except (ValueError, RecursionError) as error:
        raise sqlite3.DatabaseError(f"a cell of it can't be read: {error}") from error


def remedy(error: sqlite3.DatabaseError) -> str:
    """What to do about an index that gave this error."""
    return START_AFRESH if type(error) is sqlite3.DatabaseError else _OUTSIDE  # as above


def read_index(data: Path) -> sqlite3.Connection:
    """The same for reading alone; the agent may be running.

    Raises:
        SettingError: there is none.
        sqlite3.DatabaseError: it can't be opened.
    """
    path = data / NAME
    if not path.is_file():
        raise SettingError(f"no results in {data}: {NAME} is not there. Start the agent, or check --data.")
    uri = path.absolute().as_uri()
    # A reader makes a log beside it; it needs none where nothing can be written and none is, as in a backup.
    alone = not os.access(data, os.W_OK) and not path.with_name(f"{NAME}-wal").exists()
    return _connect(f"{uri}?immutable=1" if alone else f"{uri}?mode=ro")


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=WAIT_S, check_same_thread=False)
