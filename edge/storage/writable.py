"""The index open for writing: checked when it is opened, shared with readers, emptied of what was removed."""

import contextlib
import sqlite3
import time
from pathlib import Path

from edge.entries.entry import Entry
from edge.entries.finding import Found
from edge.protocol.row import Row
from edge.storage.index import NAME, WAIT_S, NoRoomBesideIndex, UnusableIndex, open_index, read_cell, remedy
from edge.storage.lookup import Lookup
from scanside.assess.study import Slide
from scanside.errors import SettingError

_READER_LOOK_S = 0.05  # between two tries while a reader keeps the log


class WritableIndex(Lookup):
    """The file of the index in the folder `data`.

    Attributes:
        is_alone: on a full disk, no other process can read the index until `share`.

    Raises:
        UnusableIndex: the file is damaged, or of another version.
        SettingError: it can't be opened or written.
    """

    def __init__(self, data: Path) -> None:
        db, self.is_alone = _open(data)
        super().__init__(db)
        self._data = data
        self._log_holds_removed = self._pages_hold_removed = False
        try:
            self._check_cells()
        except sqlite3.DatabaseError as error:
            self.close()
            damaged = type(error) is sqlite3.DatabaseError  # its subclasses mean locked, full or read-only
            kind = UnusableIndex if damaged else SettingError
            raise kind(f"{data / NAME} can't be used: {error}. {remedy(error)}") from error

    def share(self) -> None:
        """Let other processes read the index again, where there is room for what they share with this one.

        Raises:
            SettingError: it can't be opened any more.
        """
        with self._lock:
            if self.is_alone:
                self._db.close()
                self._db, self.is_alone = _open(self._data)

    def empty_log(self, wait_s: float = 0.0) -> bool:
        """Empty the index's log, which holds what was removed; whether index and log hold none of it now.

        While another program reads the index the log can't be emptied. SQLite clears a cell that is deleted
        (secure_delete), but no copy of it that balancing has left between the cells of another page: after
        a removal for good all pages are written anew, which takes room for a copy.

        Args:
            wait_s: how long to wait for readers.
        """
        end = time.monotonic() + wait_s
        with self._lock, contextlib.suppress(sqlite3.OperationalError):  # no room: it is tried again later
            if self._pages_hold_removed:
                self._db.execute("VACUUM")
                self._pages_hold_removed = False
        while True:
            with self._lock:
                if self._log_holds_removed:
                    self._db.execute("PRAGMA busy_timeout = 0")  # others want the index meanwhile
                    try:
                        (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    finally:
                        self._db.execute(f"PRAGMA busy_timeout = {1000 * WAIT_S}")
                    self._log_holds_removed = bool(busy)
                if not self._log_holds_removed or time.monotonic() >= end:
                    return not (self._log_holds_removed or self._pages_hold_removed)
            time.sleep(_READER_LOOK_S)

    def _check_cells(self) -> None:
        """Read all that is typed: SQLite's own check knows no types, and one row would end every start.

        Raises:
            sqlite3.DatabaseError: a cell can't be read.
        """
        for table in ("frames", "replaced"):
            for row, found in self._db.execute(f"SELECT row, found FROM {table}"):
                read_cell(row, Row)
                if found is not None:
                    read_cell(found, Found)
        for (slide,) in self._db.execute("SELECT slide FROM frames WHERE slide IS NOT NULL"):
            read_cell(slide, Slide)
        for (entry,) in self._db.execute("SELECT entry FROM entries"):
            read_cell(entry, Entry)


def _open(data: Path) -> tuple[sqlite3.Connection, bool]:
    """The open index, and whether this process has it for itself alone."""
    try:
        return open_index(data), False
    except NoRoomBesideIndex:
        return open_index(data, alone=True), True
