"""The log of a process: lines on stderr, one per event, and of a flood of warnings the first alone."""

import logging
import threading
import time
import warnings
from datetime import datetime

_MOST, _PER_S = 60, 60.0  # warnings of one kind


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(_our_words)
    handler.addFilter(Flood())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    warnings.simplefilter("ignore")


def _our_words(record: logging.LogRecord) -> bool:
    """Not pydicom's: its warnings cite values, identities. Nor pynetdicom's: they cite what a stranger sent.

    A level would not keep them out: pydicom sets its own when it is imported, which may be later.
    """
    return record.name.partition(".")[0] not in ("pydicom", "pynetdicom")


class Flood(logging.Filter):
    """Lets a number of warnings of one kind pass in each minute; the next one says how many were left out.

    A stranger decides how often some of them come. One kind is one line of the program.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._passed: dict[tuple[str, int], tuple[float, int]] = {}  # since when, how many

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:  # of what was received: no more than the disk holds
            return True
        with self._lock:
            kind, now = (record.pathname, record.lineno), time.monotonic()
            since, count = self._passed.get(kind, (now, 0))
            left_out = max(0, count - _MOST)
            if now - since >= _PER_S:
                since, count = now, 0
            self._passed[kind] = since, count + 1
        if count == 0 and left_out:
            record.msg = f"{record.msg} (and {left_out} more like it before)"
        return count < _MOST


class _OneLine(logging.Formatter):
    """One line per event, whatever a sender wrote into a UID or an AE title; local time with its offset."""

    def formatTime(self, record: logging.LogRecord, _datefmt: str | None = None) -> str:
        local = datetime.fromtimestamp(record.created).astimezone()
        return local.isoformat(sep=" ", timespec="milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return "".join(c if c.isprintable() else "?" for c in super().formatMessage(record))
