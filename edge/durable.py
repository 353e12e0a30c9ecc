"""Files that a power cut leaves whole: written, synced, then given their name."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_file(path: Path, content: Iterable[bytes]) -> None:
    """Write a file, piece by piece, for this account alone, and bring it to the disk.

    Its name outlasts a power cut once its folder is synced.

    Raises:
        OSError: not all of it could be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the umask
        file.writelines(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of another; whoever looks, at any time, finds the one or the other whole.

    Raises:
        OSError: it could not be written; the former file is as it was.
    """
    part = path.with_name(f"{path.name}.part")
    write_file(part, [content])
    part.rename(path)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
