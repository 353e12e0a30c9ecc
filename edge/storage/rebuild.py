"""An index that is of no use is put aside, and an empty one takes its place: the spool has all to fill it."""

import logging
from datetime import datetime, timezone
from pathlib import Path

from edge.storage.store import NAME, Store, UnusableIndex

_log = logging.getLogger(__name__)


def open_store(data: Path) -> Store:
    """The index in the folder `data`; one that is of no use is put aside, and an empty one takes its place.

    Raises:
        SettingError: it can't be used for another reason.
    """
    try:
        return Store(data)
    except UnusableIndex as damage:
        _log.error("%s Kept as %s; all in the spool is scored anew.", damage, put_aside(data))
        return Store(data)


def put_aside(data: Path) -> Path | None:
    """Rename the index, if there is one; its new path."""
    index = data / NAME
    aside = data / f"{NAME}.until-{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}"
    # The log goes first: left behind, it would be played into the new index.
    for end in ("-wal", "-shm"):
        part = index.with_name(index.name + end)
        if part.exists():
            part.rename(aside.with_name(aside.name + end))
    return index.rename(aside) if index.exists() else None


def put_aside_indexes(data: Path) -> list[Path]:
    """The damaged indexes that lie in `data`; they hold what they held of patients."""
    return sorted(data.glob(f"{NAME}.until-*"))
