"""The key: the same secret maps alike, another one differently; its file is its owner's alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import JPEG2000, UID, UltrasoundImageStorage

from scanside.deidentify.key import Key, load_or_make_key
from scanside.errors import SettingError

secrets = st.binary(min_size=32, max_size=32).map(Key)
uids = st.lists(st.integers(0, 10**6), min_size=2, max_size=8).map(
    lambda parts: ".".join(["1.2", *map(str, parts)])
)


@given(secrets, uids, uids)
def test_uids_are_valid_and_differ_where_the_originals_do(key: Key, one: str, other: str) -> None:
    assert key.uid(one).is_valid and key.uid(one).startswith("2.25.")
    assert (key.uid(one) == key.uid(other)) == (one == other)


@given(secrets)
def test_uids_of_the_standard_stay(key: Key) -> None:
    assert [key.uid(uid) for uid in (UltrasoundImageStorage, JPEG2000)] == [UltrasoundImageStorage, JPEG2000]


def test_a_padded_uid_is_the_same_uid() -> None:
    key = Key(bytes(32))
    assert key.uid("1.2.3\0") == key.uid("1.2.3 ") == key.uid("1.2.3")


@given(secrets, secrets, st.text(min_size=1))
def test_another_key_gives_another_patient(key: Key, other: Key, patient: str) -> None:
    assert (key.pseudonym(patient) == other.pseudonym(patient)) == (key == other)
    assert (key.uid("1.2.3") == other.uid("1.2.3")) == (key == other)
    assert Key(key.secret).shift(patient) == key.shift(patient)
    assert 1 <= -key.shift(patient).days <= 3650


def test_uses_do_not_meet() -> None:
    """What is known of one map says nothing about another."""
    key = Key(bytes(32))
    assert key.pseudonym("1.2.3")[1:] not in f"{int(UID(key.uid('1.2.3'))[5:]):X}"


def test_a_missing_key_is_made_for_its_owner_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_key(path) == key != load_or_make_key(tmp_path / "other")
    assert key.secret.hex() not in repr(key)


@pytest.mark.parametrize("content", ["", "00" * 31, "zz" * 32, "\u00e4" * 32, "00" * 33])
def test_a_damaged_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SettingError, match="is no key"):
        load_or_make_key(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_or_make_key(path)
    path.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        load_or_make_key(path)


@pytest.mark.parametrize("place", ["missing/key", "."])
def test_a_key_that_can_not_be_made_is_a_setting(tmp_path: Path, place: str) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(SettingError, match="key"):
        load_or_make_key(tmp_path / place)
