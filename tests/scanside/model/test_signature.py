"""With trusted keys set, a bundle is used only when one of them signed exactly this manifest."""

import base64
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography", reason="cryptography is not installed: signatures need scanside[signing]")

from export.pack import pack
from export.sign import keygen, sign
from scanside.errors import BundleError, SettingError
from scanside.model.bundle import MANIFEST, load_bundle
from scanside.model.signature import SIGNATURE, format_key, parse_key, signer


@pytest.fixture
def signed(bundle_folder: Path, tmp_path: Path) -> tuple[Path, bytes]:
    """A signed copy of the test bundle and the public key."""
    folder = Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))
    public = keygen(tmp_path / "key")
    assert sign(folder, tmp_path / "key") == public
    return folder, parse_key(public)


def refuse(path: Path, key: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        load_bundle(path, allow_test_only=True, trusted_keys=[key])


def test_signed_by_a_trusted_key(signed: tuple[Path, bytes], tmp_path: Path) -> None:
    folder, key = signed
    bundle = load_bundle(folder, allow_test_only=True, trusted_keys=[bytes(32), key])
    assert signer(bundle.manifest_bytes, bundle.signature or b"", "") == key
    pack(folder, tmp_path / "bundle.zip")
    assert load_bundle(tmp_path / "bundle.zip", allow_test_only=True, trusted_keys=[key]) == bundle


def test_unsigned(signed: tuple[Path, bytes]) -> None:
    folder, key = signed
    (folder / SIGNATURE).unlink()
    refuse(folder, key, "is not signed, and trusted_keys is set")
    assert load_bundle(folder, allow_test_only=True).signature is None


def test_signed_by_another(signed: tuple[Path, bytes], tmp_path: Path) -> None:
    folder, key = signed
    keygen(tmp_path / "other")
    sign(folder, tmp_path / "other")
    refuse(folder, key, "which is not among trusted_keys")


def test_one_byte_of_the_manifest(signed: tuple[Path, bytes]) -> None:
    folder, key = signed
    with (folder / MANIFEST).open("ab") as file:
        file.write(b" ")  # still the same JSON
    assert load_bundle(folder, allow_test_only=True)
    refuse(folder, key, "does not fit manifest.json")


def test_a_signature_under_a_trusted_name_of_another_key(signed: tuple[Path, bytes], tmp_path: Path) -> None:
    """Who writes the trusted key beside a signature of his own gains nothing."""
    folder, key = signed
    keygen(tmp_path / "other")
    sign(folder, tmp_path / "other")
    algorithm, _, own = (folder / SIGNATURE).read_text().split()
    (folder / SIGNATURE).write_text(f"{algorithm} {format_key(key)} {own}")
    refuse(folder, key, "does not fit manifest.json")


@given(st.binary(max_size=200))
def test_any_signature_file(content: bytes) -> None:
    with pytest.raises(BundleError):
        signer(b"{}", content, "bundle")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_any_key_and_signature(key: bytes, signature: bytes) -> None:
    line = b" ".join([b"ed25519", base64.b64encode(key), base64.b64encode(signature)])
    with pytest.raises(BundleError, match="does not fit"):
        signer(b"{}", line, "bundle")


def test_keys_are_read_from_base64_and_from_files(tmp_path: Path) -> None:
    public = keygen(tmp_path / "key")
    assert parse_key(public) == parse_key(str(tmp_path / "key.pub"))
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    for wrong, message in {
        "nowhere.pub": "neither a public key",
        "AAAA": "neither a public key",
        "\0": "neither a public key",
        str(tmp_path): "neither a public key",
        str(tmp_path / "key"): "holds no public key",
    }.items():
        with pytest.raises(SettingError, match=message):
            parse_key(wrong)


def test_keygen_and_sign_refuse_what_is_wrong(signed: tuple[Path, bytes], tmp_path: Path) -> None:
    folder, _ = signed
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(SettingError, match="exists"):
        keygen(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before
    with pytest.raises(SettingError, match="can't be written"):
        keygen(tmp_path / "none" / "key")
    for content in (b"", b"-----BEGIN PRIVATE KEY-----", os.urandom(99), (tmp_path / "key.pub").read_bytes()):
        (tmp_path / "wrong").write_bytes(content)
        with pytest.raises(SettingError, match="no private key"):
            sign(folder, tmp_path / "wrong")
    with (folder / "golden.npz").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="was altered"):
        sign(folder, tmp_path / "key")
