"""The secret that turns patients, UIDs and dates into others, always the same ones, and its file."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from scanside.errors import SettingError
from scanside.regular_file import read_regular

_SECRET_BYTES = 32
_MAX_SHIFT_DAYS = 3650


@dataclass(frozen=True)
class Key:
    """Keyed one-way maps (HMAC-SHA256): without the secret nobody gets back, with it every run agrees.

    Attributes:
        secret: 32 random bytes.
    """

    secret: bytes = field(repr=False)

    def uid(self, original: str) -> UID:
        """Another UID, under 2.25 (PS3.5 B.2); those that the standard itself defines stay as they are."""
        original = original.strip(" \0")
        if original in UID_dictionary:
            return UID(original)
        return UID(f"2.25.{UUID(bytes=self._digest('uid', original)[:16], version=4).int}")

    def pseudonym(self, patient: str) -> str:
        """What a patient is called instead: P and 16 hexadecimal digits."""
        return f"P{self._digest('patient', patient).hex()[:16].upper()}"

    def shift(self, patient: str) -> timedelta:
        """By how much all dates of a patient move: 1 to 3650 whole days into the past."""
        days = int.from_bytes(self._digest("date", patient)[:8], "big") % _MAX_SHIFT_DAYS
        return timedelta(days=-1 - days)

    def _digest(self, use: str, value: str) -> bytes:
        return hmac.digest(self.secret, f"{use}\0{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)


def load_or_make_key(path: Path) -> Key:
    """The key in the file at `path`, 64 hexadecimal digits; a missing one is made, for its owner alone.

    Raises:
        SettingError: the file can't be read or made, others may read it, or it holds no key.
    """
    try:
        if not path.exists():
            return _make(path)
        if path.stat().st_mode & 0o077:
            raise SettingError(f"others may read the key {path}: with it patients are found. chmod 600 it.")
        digits = read_regular(path).decode("ascii").strip()
        secret = bytes.fromhex(digits)
    except OSError as error:
        raise SettingError(f"the key {path} can't be read or made: {error.strerror or error}.") from error
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise SettingError(
            f"{path} is no key: it holds {2 * _SECRET_BYTES} hexadecimal digits. Name a new file to make one."
        )
    return Key(secret)


def _make(path: Path) -> Key:
    secret = secrets.token_bytes(_SECRET_BYTES)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(descriptor)  # a lost key can't be made again, and what was written with it can't be joined
    return Key(secret)
