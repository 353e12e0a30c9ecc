"""One program at a time on a data folder."""

import contextlib
import fcntl
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from edge.processes.process import Descriptor
from scanside.errors import SettingError


@contextlib.contextmanager
def locked(data: Path) -> Iterator[Descriptor]:
    """The data folder, made when missing, for this program and those that it gives the lock to.

    Files that are made meanwhile, SQLite's too, are the user's alone, whatever mask the program began with.

    Raises:
        Busy: another program has it.
        SettingError: it can't be used.
    """
    refuse_to_write_as_root(data)
    mask = os.umask(0o077)
    try:
        with _locked(data) as lock:
            yield lock
    finally:
        os.umask(mask)


def is_still_held(data: Path, lock: Descriptor) -> bool:
    """Whether `data` is still the folder whose lock this is, and not another one under its name."""
    try:
        return os.path.samestat((data / "lock").stat(), os.fstat(lock.number))
    except OSError:
        return False


class Busy(SettingError):
    """Another program uses the data folder."""


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[Descriptor]:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingError(f"the data folder {data} can't be used: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(
                f"another agent uses the data folder {data}. Stop it, or choose another with --data."
            ) from None
        yield Descriptor(lock)
    finally:
        os.close(lock)


def refuse_to_write_as_root(data: Path) -> None:
    """Root may write where another account's agent keeps its data, and that agent could not use the files.

    Raises:
        SettingError: root asks, and the folder is somebody else's.
    """
    try:
        owner = data.stat().st_uid
    except OSError:  # not there yet
        return
    if os.geteuid() == 0 != owner:
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        raise SettingError(
            f"{data} belongs to {name}, whose agent could not use what root writes there. "
            f"Do this as that account: sudo -u {name} ..."
        )
