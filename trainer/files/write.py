"""Files on disk are whole or not there, however a run ends."""

import os
from contextlib import suppress
from pathlib import Path

from scanside.errors import InputError


def write_file(path: Path, content: bytes) -> None:
    """Write under another name, then rename: `path` is whole, or what it was before.

    Raises:
        InputError: the folder can't be written to.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # what kept it from being written may keep it from being deleted, too
            part.unlink(missing_ok=True)
        raise InputError(
            f"{path} can't be written: {error.strerror}. Free space, or choose another."
        ) from error
