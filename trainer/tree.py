"""Every file under a folder, and what could not be looked at: nothing is passed over in silence."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Closed:
    """A folder or a file that was not looked at.

    Attributes:
        what: "folder" or "file".
        reason: says nothing of a patient.
    """

    path: Path
    what: str
    reason: str


def list_tree(root: Path) -> tuple[list[Path], list[Closed]]:
    """All regular files under `root`, links to files among them, and all that is closed; both sorted."""
    files: list[Path] = []
    closed: list[Closed] = []

    def not_listed(error: OSError) -> None:
        reason = f"the folder can't be listed ({error.strerror or error})"
        closed.append(Closed(Path(error.filename), "folder", reason))

    for parent, folders, names in os.walk(root, onerror=not_listed):
        for path in (Path(parent, name) for name in folders):
            if path.is_symlink():  # it may lead out of the tree, or round in it
                closed.append(Closed(path, "folder", "a link to a folder, which is not followed"))
        for path in (Path(parent, name) for name in names):
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder may not be searched
                files.append(path)
            else:
                closed.append(Closed(path, "file", "not a regular file"))
    return sorted(files), sorted(closed, key=lambda entry: entry.path)
