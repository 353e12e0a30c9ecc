"""Copies of bundles in the data folder: whole or not there, verified when read, gone when not needed."""

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.storage.bundles import KeptBundles
from edge.storage.room import Room
from scanside.errors import BundleError
from scanside.model.bundle import GOLDEN, MANIFEST, NETWORK, Bundle, load_bundle


@pytest.fixture(scope="module")
def loaded(bundle: Path) -> Bundle:
    return load_bundle(bundle, allow_test_only=True)


@pytest.fixture
def kept(tmp_path: Path) -> KeptBundles:
    return KeptBundles(tmp_path, allow_test_only=True)


def test_a_copy_is_the_same_bundle(kept: KeptBundles, loaded: Bundle) -> None:
    kept.keep(loaded)
    assert kept.digests() == {loaded.digest} and kept.load(loaded.digest) == loaded


def test_a_copy_that_is_whole_is_not_made_again(kept: KeptBundles, loaded: Bundle, tmp_path: Path) -> None:
    kept.keep(loaded)
    (folder,) = (tmp_path / "bundles").iterdir()
    before = folder.stat().st_ino
    kept.keep(loaded)
    assert folder.stat().st_ino == before
    (folder / GOLDEN).unlink()
    kept.keep(loaded)
    assert kept.load(loaded.digest) == loaded


@pytest.mark.parametrize("name", [MANIFEST, NETWORK, GOLDEN])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: os.truncate(path, 100)])
def test_a_damaged_copy_is_refused(
    name: str, damage: Callable[[Path], None], kept: KeptBundles, loaded: Bundle, tmp_path: Path
) -> None:
    kept.keep(loaded)
    damage(tmp_path / "bundles" / loaded.digest / name)
    with pytest.raises(BundleError):
        kept.load(loaded.digest)


def test_a_copy_under_another_digest_is_refused(kept: KeptBundles, loaded: Bundle, tmp_path: Path) -> None:
    kept.keep(loaded)
    shutil.copytree(tmp_path / "bundles" / loaded.digest, tmp_path / "bundles" / ("0" * 64))
    with pytest.raises(BundleError, match="holds another bundle"):
        kept.load("0" * 64)
    with pytest.raises(BundleError, match="no copy of it"):
        kept.load("1" * 64)


def test_what_is_not_needed_goes_and_what_was_half_written(
    kept: KeptBundles, loaded: Bundle, tmp_path: Path
) -> None:
    kept.keep(loaded)
    (tmp_path / "bundles" / f"{'0' * 64}.part").mkdir()
    (tmp_path / "bundles" / ("1" * 64)).mkdir()
    assert kept.remove_all_but({loaded.digest}) == ["1" * 64]
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [loaded.digest]
    assert kept.remove_all_but(set()) == [loaded.digest]
    assert list((tmp_path / "bundles").iterdir()) == []


def test_nothing_is_copied_onto_a_disk_that_is_nearly_full(
    kept: KeptBundles, loaded: Bundle, tmp_path: Path
) -> None:
    size = sum(map(len, loaded.files.values()))
    with pytest.raises(OSError, match="the disk is nearly full") as full:
        kept.keep(loaded, Room(free_bytes=size + 1000, limit_bytes=1001))
    assert full.value.errno == errno.ENOSPC and not (tmp_path / "bundles").exists()


def test_a_copy_that_fails_leaves_nothing(
    kept: KeptBundles, loaded: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for failing in range(len(loaded.files) + 3):
        _fail_at(failing, monkeypatch, lambda: OSError(errno.EIO, "injected"))
        with pytest.raises(OSError, match="injected"):
            kept.keep(loaded)
        monkeypatch.undo()
        assert not list((tmp_path / "bundles").glob("*.part"))
        if kept.digests():  # all but the names' own sync
            assert failing == len(loaded.files) + 2 and kept.load(loaded.digest) == loaded


def test_a_kill_at_any_sync_leaves_a_whole_copy_or_none(
    kept: KeptBundles, loaded: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill() -> OSError:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    for at in range(len(loaded.files) + 3):
        if (pid := os.fork()) == 0:
            _fail_at(at, monkeypatch, kill)
            kept.keep(loaded)
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        for digest in kept.digests():
            assert kept.load(digest) == loaded
        kept.remove_all_but(set())
        assert list((tmp_path / "bundles").iterdir()) == []


def _fail_at(number: int, monkeypatch: pytest.MonkeyPatch, fault: Callable[[], OSError]) -> None:
    sync, calls = os.fsync, iter(range(1000))

    def fsync(descriptor: int) -> None:
        if next(calls) == number:
            raise fault()
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
