"""`export-model keygen` and `export-model sign`: who made a bundle; scanside/model/signature.py checks."""

import os
from pathlib import Path

from scanside.errors import BundleError, SettingError
from scanside.model.bundle import load_bundle
from scanside.model.signature import SIGNATURE, format_key, format_signature, missing_library
from scanside.regular_file import open_regular

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError as error:
    raise missing_library() from error

_MAX_KEY_FILE = 4096


def keygen(path: Path) -> str:
    """Write a new private key to `path` (PKCS #8, PEM, for its owner alone) and the public one beside it.

    Returns:
        The public key in Base64.

    Raises:
        SettingError: a file exists or can't be written.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = format_key(key.public_key().public_bytes_raw())
    public_path = path.with_name(path.name + ".pub")
    if public_path.exists():
        raise SettingError(f"{public_path} exists and is left as it is. Choose another path.")
    _write_new(path, private, 0o600)
    _write_new(public_path, f"{public}\n".encode(), 0o644)
    return public


def sign(folder: Path, key_path: Path) -> str:
    """Write manifest.sig into the bundle `folder`; one that is there is replaced.

    Returns:
        The public key in Base64.

    Raises:
        BundleError: no valid bundle, or no folder.
        SettingError: no private key.
    """
    if folder.is_file():
        raise BundleError(f"{folder} is a file. Sign the folder of the bundle, then pack it again.")
    bundle = load_bundle(folder, allow_test_only=True)  # nobody should sign what is altered
    key = _private_key(key_path)
    public = key.public_key().public_bytes_raw()
    line = format_signature(public, key.sign(bundle.manifest_bytes))
    part = folder / f"{SIGNATURE}.part"
    try:
        part.write_bytes(line)
        part.replace(folder / SIGNATURE)
    except OSError as error:
        raise SettingError(f"{folder / SIGNATURE} can't be written: {error.strerror}.") from error
    return format_key(public)


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        with open_regular(path) as file:
            content = file.read(_MAX_KEY_FILE)
    except OSError as error:
        raise SettingError(f"the key {path} can't be read: {error.strerror}.") from error
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except Exception as error:  # the library raises its own, ValueError and TypeError (a password is missing)
        raise SettingError(
            f"{path} is no private key without a password. Make one: export-model keygen"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingError(f"{path} is a key of another kind than Ed25519. Make one: export-model keygen")
    return key


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise SettingError(f"{path} exists and is left as it is. Choose another path.") from None
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error
