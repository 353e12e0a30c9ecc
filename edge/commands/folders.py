"""Files and folders that a command is given -> the DICOM files in them, and what was passed over."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanside.errors import SettingError

_PREAMBLE, _PREFIX = 128, b"DICM"  # PS3.10 7.1
_DIRECTORY = b"1.2.840.10008.1.3.10"  # Media Storage Directory Storage: a DICOMDIR
_META_BYTES = 1024  # the class stands in the first of them
DICOMDIR = "a DICOMDIR: it lists the files of a medium and is no image. Give the folder that it lies in"


@dataclass(frozen=True)
class Given:
    """What a command was given.

    Attributes:
        files: named ones as they are, those of folders by name, each file once.
        passed_over: what lay in folders and is no DICOM file that can be used, counted by kind.
    """

    files: tuple[Path, ...]
    passed_over: dict[str, int]

    @property
    def remark(self) -> str | None:
        """A sentence about what was passed over; None where nothing was."""
        if not self.passed_over:
            return None
        return f"passed over: {', '.join(f'{count} {kind}' for kind, count in self.passed_over.items())}."


def find_files(given: Sequence[Path]) -> Given:
    """Look into folders, recursively.

    Hidden files and folders are left alone. Links to folders are not followed, links to files only within
    the folder that was given.

    Raises:
        SettingError: a folder can't be read or holds no DICOM file.
    """
    files: dict[Path, Path] = {}
    passed: Counter[str] = Counter()
    for path in given:
        if not path.is_dir():
            files.setdefault(_identity(path), path)
            continue
        kinds = {found: _passed_over(found, path) for found in _walk(path)}
        passed.update(kind for kind in kinds.values() if kind)
        usable = [found for found, kind in kinds.items() if kind is None]
        if not usable:
            raise SettingError(f"{path} holds no DICOM file. Name the folder that the images lie in.")
        for found in usable:
            files.setdefault(_identity(found), found)
    return Given(tuple(files.values()), dict(passed))


def is_dicomdir(path: Path) -> bool:
    """Whether the file at `path` is the directory of a medium (PS3.3 annex F)."""
    start = _start(path)
    return start[_PREAMBLE : _PREAMBLE + 4] == _PREFIX and _DIRECTORY in start


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise SettingError(f"{error.filename} can't be read: {error.strerror}.") from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _passed_over(path: Path, folder: Path) -> str | None:
    """Why a file of `folder` is not used; None for a DICOM file."""
    if path.is_symlink() and not _identity(path).is_relative_to(_identity(folder)):
        return "links out of the folder"
    if not path.is_file():  # to open a pipe is to wait for its writer
        return "that are no files"
    try:
        start = _start(path)
    except OSError:
        return None  # whoever uses it says why it can't be read
    if start[_PREAMBLE : _PREAMBLE + 4] != _PREFIX:
        return "not DICOM"
    return "DICOMDIR" if _DIRECTORY in start else None


def _identity(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_META_BYTES)
