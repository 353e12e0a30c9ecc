"""Who made a bundle: an Ed25519 signature (RFC 8032) over the bytes of manifest.json, in manifest.sig.

The manifest names the SHA-256 of every other file, so it speaks for all of them. manifest.sig is one line:
`ed25519`, the public key and the signature, both in Base64. The key in it says who claims to have signed;
whether that is to be believed, is said by the keys that the reader trusts, and by nothing in the bundle.
"""

import base64
import binascii
from collections.abc import Collection
from pathlib import Path

from scanside.errors import BundleError, SettingError
from scanside.regular_file import open_regular

SIGNATURE = "manifest.sig"
_ALGORITHM, _KEY_BYTES, _SIGNATURE_BYTES = "ed25519", 32, 64
_MAX_KEY_FILE = 4096


def parse_key(text: str) -> bytes:
    """The 32 bytes of a public key: of its Base64, or of the file (`*.pub`) that holds it.

    Raises:
        SettingError: it is neither.
    """
    if key := _base64(text, _KEY_BYTES):
        return key
    path = Path(text).expanduser()
    try:
        with open_regular(path) as file:
            content = file.read(_MAX_KEY_FILE).decode("ascii", "replace")
    except (OSError, ValueError) as error:
        raise SettingError(
            f"trusted_keys: {text!a} is neither a public key in Base64 nor a file that can be read. "
            "`export-model keygen` prints the key to put here."
        ) from error
    if key := _base64(content.strip(), _KEY_BYTES):
        return key
    raise SettingError(
        f"trusted_keys: {path} holds no public key. Name the .pub file of `export-model keygen`."
    )


def format_signature(key: bytes, signature: bytes) -> bytes:
    """The content of manifest.sig."""
    return f"{_ALGORITHM} {format_key(key)} {base64.b64encode(signature).decode()}\n".encode()


def format_key(key: bytes) -> str:
    return base64.b64encode(key).decode()


def check_signed(manifest: bytes, line: bytes | None, trusted: Collection[bytes], where: str) -> bytes:
    """Refuse a manifest that none of the `trusted` keys signed.

    Args:
        line: content of manifest.sig; None when there is none.
        where: what messages call the bundle.

    Returns:
        The key that signed it.

    Raises:
        BundleError: unsigned, signed by another, or altered since.
        SettingError: signatures can't be checked on this machine.
    """
    if line is None:
        raise BundleError(
            f"{where} is not signed, and trusted_keys is set. Use a bundle signed by one of these keys; "
            "who trusts this one signs it with: export-model sign BUNDLE --key FILE"
        )
    key = signer(manifest, line, where)
    if key not in trusted:
        raise BundleError(
            f"{where} is signed by the key {format_key(key)}, which is not among trusted_keys. "
            "Use a bundle signed by one of these, or add the key if you know whose it is."
        )
    return key


def signer(manifest: bytes, line: bytes, where: str) -> bytes:
    """The public key whose signature manifest.sig holds; it fits, but nothing says that it can be trusted.

    Raises:
        BundleError: there is no signature in it, or not one of these bytes.
        SettingError: the library for it is not installed.
    """
    words = line.decode("ascii", "replace").split()
    key = _base64(words[1], _KEY_BYTES) if len(words) == 3 else None
    signature = _base64(words[2], _SIGNATURE_BYTES) if len(words) == 3 else None
    if key is None or signature is None or words[0] != _ALGORITHM:
        raise BundleError(f"{where}: {SIGNATURE} holds no Ed25519 signature. Sign the bundle again.")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise missing_library() from error
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, manifest)
    except (InvalidSignature, ValueError) as error:
        raise BundleError(
            f"{where}: the signature does not fit manifest.json, which was altered after it was signed. "
            "Install the bundle again, from whom you trust."
        ) from error
    return key


def missing_library() -> SettingError:
    return SettingError(
        "signatures need the package cryptography, which is not installed: pip install 'scanside[signing]'."
    )


def _base64(text: str, length: int) -> bytes | None:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) == length else None
