"""DATA/bundles: a copy of each bundle under which a study may go on, a folder by its digest.

A copy is made whole or not at all: it is written beside its place and renamed. What is read of it is verified
like any other bundle, and its digest must be the one that the folder is named after.
"""

import errno
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from edge.durable import sync_folder, write_file
from edge.storage.room import Room
from scanside.errors import BundleError
from scanside.model.bundle import MANIFEST, Bundle, load_bundle
from scanside.model.signature import SIGNATURE

FOLDER = "bundles"
_DIGEST, _PART = re.compile(r"[0-9a-f]{64}"), ".part"


class KeptBundles:
    """The copies in the data folder `data`. Whoever holds its lock may change them.

    Args:
        trusted_keys, allow_test_only: as for `load_bundle`.
    """

    def __init__(
        self, data: Path, trusted_keys: Collection[bytes] = (), *, allow_test_only: bool = False
    ) -> None:
        self._folder = data / FOLDER
        self._trusted_keys, self._allow_test_only = trusted_keys, allow_test_only

    def digests(self) -> set[str]:
        """The digests by which there are copies, whole or damaged."""
        return {path.name for path in self._folder.glob("*") if _DIGEST.fullmatch(path.name)}

    def load(self, digest: str) -> Bundle:
        """Read and verify a copy.

        Raises:
            BundleError: there is none, it is damaged or another bundle's, or no trusted key signed it.
            SettingError: signatures can't be checked on this machine.
        """
        path = self._folder / digest
        if not path.exists():
            raise BundleError("no copy of it is in the data folder")
        bundle = load_bundle(path, allow_test_only=self._allow_test_only, trusted_keys=self._trusted_keys)
        if bundle.digest != digest:
            raise BundleError(f"{path} holds another bundle, {bundle.digest[:12]}. Remove this folder.")
        return bundle

    def keep(self, bundle: Bundle, room: Room | None = None) -> None:
        """Copy a bundle to the disk, unless a whole copy is there.

        Args:
            room: what is left on the disk.

        Raises:
            OSError: the disk is full, or can't be written.
        """
        try:
            self.load(bundle.digest)
            return
        except BundleError:
            pass
        files = {**bundle.files, MANIFEST: bundle.manifest_bytes}
        if bundle.signature is not None:
            files[SIGNATURE] = bundle.signature
        needed = sum(map(len, files.values()))
        if room and room.free_bytes is not None and room.free_bytes - needed < room.limit_bytes:
            raise OSError(errno.ENOSPC, f"{needed >> 20} MB are needed, and the disk is nearly full")
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._folder.chmod(0o700)
        part = self._folder / f"{bundle.digest}{_PART}"
        self._discard(part)
        try:
            part.mkdir(mode=0o700)
            part.chmod(0o700)
            for name, content in files.items():
                write_file(part / name, [content])
            sync_folder(part)
            self._remove(bundle.digest)
            part.rename(self._folder / bundle.digest)
            sync_folder(self._folder)
        except BaseException:
            self._discard(part)
            raise

    def remove_all_but(self, needed: Collection[str]) -> list[str]:
        """Remove the copies that nothing needs, and what was half written; the digests.

        Raises:
            OSError: they can't be removed.
        """
        gone = sorted(self.digests() - set(needed))
        for digest in gone:
            self._remove(digest)
        for part in self._folder.glob(f"*{_PART}"):
            self._discard(part)
        return gone

    def _remove(self, digest: str) -> None:
        """A copy that is half removed would look damaged: it loses its name first."""
        going = self._folder / f"{digest}.gone{_PART}"
        self._discard(going)
        try:
            (self._folder / digest).rename(going)
        except FileNotFoundError:
            return
        self._discard(going)

    def _discard(self, path: Path) -> None:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
