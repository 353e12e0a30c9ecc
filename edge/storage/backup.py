"""A copy of all that is truth in a data folder, made while the agent runs or not, and the way back.

Files of the spool move between its folders while they are copied, so each is looked for in all of them. What
it counts as follows from its label, not from its place.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from edge.durable import sync_folder, write_file
from edge.entries.journal import NAME as JOURNAL
from edge.protocol.row import now
from edge.storage.index import NAME as INDEX
from edge.trail.log import FOLDER as AUDIT
from scanside.errors import InputError, SettingError

LIST = "backup.json"
_PLACES = ("spool", "spool/replaced", "spool/quarantine")
_ROUNDS = 100  # a file that is in none of the folders in so many looks was purged
_LISTINGS = 4  # a file that moved while the folders were listed is missing from one listing, not from so many
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Restored:
    """What came of a restore.

    Attributes:
        images: files of the spool.
        missing, damaged: files that the backup lists and that are not in it, or are not as they were.
    """

    images: int
    missing: tuple[str, ...]
    damaged: tuple[str, ...]


def back_up(data: Path, out: Path) -> int:
    """Copy spool, journal and audit trail of `data` into the folder `out`; how many images.

    What was in the spool when it began is in the copy, unless it was purged meanwhile.

    Raises:
        SettingError: there is nothing to copy, or `out` is there already.
        OSError: a file can't be read or written.
    """
    if not (data / "spool").is_dir():
        raise SettingError(f"no spool in {data}: nothing is kept there. Check --data.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingError(f"{out} is there already and not empty: a backup wants a folder of its own.")
    if data.resolve() in (out.resolve(), *out.resolve().parents):
        raise SettingError(f"{out} lies in the data folder: a backup belongs elsewhere.")
    for folder in ("", *_PLACES, AUDIT):
        (out / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        (out / folder).chmod(0o700)
    digests: dict[str, str] = {}
    places = _list_images(data)
    for name in sorted(places):
        while (found := _find(data, name)) is not None:
            try:
                digests[name] = _copy(data / found / name, out / found / name)
            except FileNotFoundError:  # it has just moved
                continue
            places[name] = found
            break
    for name in sorted(digests):  # as they lie now; what was purged meanwhile is not kept
        found = _find(data, name)
        if found is None:
            (out / places[name] / name).unlink()
            del digests[name]
        elif found != places[name]:
            (out / places[name] / name).rename(out / found / name)
            places[name] = found
    files = {f"{places[name]}/{name}": digest for name, digest in digests.items()}
    notes = [f"{place}/{path.name}" for place in _PLACES[1:] for path in (data / place).glob("*.dcm.json")]
    trail = [f"{AUDIT}/{path.name}" for path in (data / AUDIT).glob("*.jsonl")]
    for name in (*notes, *trail, JOURNAL):
        try:
            files[name] = _copy(data / name, out / name)
        except FileNotFoundError:  # no journal yet; or a file came back meanwhile
            continue
    text = json.dumps({"made_at": now(), "files": files}, indent=1)
    write_file(out / LIST, [text.encode()])
    for folder in ("", *_PLACES, AUDIT):
        sync_folder(out / folder)
    return len(digests)


def restore(backup: Path, data: Path) -> Restored:
    """Copy a backup into the folder `data`, which holds nothing yet; whoever holds its lock may.

    Raises:
        SettingError: an agent has used `data`.
        InputError: `backup` is none.
        OSError: a file can't be read or written.
    """
    if any(True for _ in _images(data)) or (data / INDEX).exists() or (data / JOURNAL).exists():
        raise SettingError(f"an agent has used {data} already: restore into a folder of its own.")
    files = _listed(backup)
    for folder in (*_PLACES, AUDIT):
        (data / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / folder).chmod(0o700)
    missing, damaged, images = [], [], 0
    for name, digest in sorted(files.items()):
        try:
            copied = _copy(backup / name, data / name)
        except FileNotFoundError:
            missing.append(name)
            continue
        images += name.endswith(".dcm")
        if copied != digest:
            damaged.append(name)
    for folder in ("", *_PLACES, AUDIT):
        sync_folder(data / folder)
    return Restored(images, tuple(missing), tuple(damaged))


def _listed(backup: Path) -> dict[str, str]:
    """The files of a backup with their SHA-256; none of them leads out of it."""
    try:
        said: Any = json.loads((backup / LIST).read_bytes())
        files = dict(said["files"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{backup} is no backup of `edge backup`: {LIST} can't be read.") from error
    allowed = (*_PLACES, AUDIT)
    for name, digest in files.items():
        folder, _, file = str(name).rpartition("/")
        inside = (folder in allowed and file not in ("", ".", "..")) or name == JOURNAL
        if not inside or not isinstance(digest, str):
            raise InputError(f"{backup / LIST} names a file that no backup has: {str(name)[:80]!r}.")
    return files


def _images(data: Path) -> Iterator[tuple[str, str]]:
    """Folder and name of each image that lies in one."""
    for place in _PLACES:
        for path in (data / place).glob("*.dcm"):
            if path.is_file():
                yield place, path.name


def _list_images(data: Path) -> dict[str, str]:
    """Every image with its folder, listed until several listings in a row show no other one."""
    places: dict[str, str] = {}
    nothing_new = 0
    while nothing_new < _LISTINGS:
        before = len(places)
        places.update({name: place for place, name in _images(data)})
        nothing_new = nothing_new + 1 if len(places) == before else 0
    return places


def _find(data: Path, name: str) -> str | None:
    """The folder that an image lies in now; None when it was purged. It may move as it is looked for."""
    for _ in range(_ROUNDS):
        for place in _PLACES:
            if (data / place / name).exists():
                return place
    return None


def _copy(source: Path, target: Path) -> str:
    """Copy one file to the disk; the SHA-256 of what was copied.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it can't be read or written.
    """
    digest = hashlib.sha256()

    def read(file: BinaryIO) -> Iterator[bytes]:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            yield piece

    with source.open("rb") as file:
        write_file(target, read(file))
    return digest.hexdigest()
