"""The secret behind the pseudonyms: who has it can find a patient again, so it never lies in the dataset."""

import os
import secrets
from pathlib import Path

from scanside.errors import SettingError

_BYTES = 32


def load_or_make_key(path: Path) -> bytes:
    """The key in the file at `path`, 64 hexadecimal digits; a missing one is made, for its owner alone.

    Raises:
        SettingError: the file can't be read or made, others may read it, or it holds no key.
    """
    try:
        if not path.exists():
            return _make(path)
        if path.stat().st_mode & 0o077:
            raise SettingError(f"others may read the key {path}: with it patients are found. chmod 600 it.")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SettingError(f"the key {path} can't be read or made: {error.strerror or error}.") from error
    except ValueError:
        key = b""
    if len(key) != _BYTES:
        raise SettingError(f"{path} is no key: it holds {2 * _BYTES} hexadecimal digits. Name a new file.")
    return key


def _make(path: Path) -> bytes:
    key = secrets.token_bytes(_BYTES)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key
