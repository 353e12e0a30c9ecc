"""One run at a time on what is being written."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scanside.errors import SettingError


@contextmanager
def lock_target(lock: Path, target: Path, busy: str) -> Iterator[None]:
    """Keep other runs out of `target`, until this one ends or is killed.

    Args:
        lock: a file or a folder that is there, the same for all runs that write `target`.
        busy: what to say where another run has it, and what to do.

    Raises:
        SettingError: another run has it, or it can't be locked where it lies.
    """
    held = os.open(lock, os.O_RDONLY)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingError(busy) from error
        except OSError as error:
            raise SettingError(
                f"{target} can't be locked: {error.strerror}. Choose a local folder."
            ) from error
        yield
    finally:
        os.close(held)
