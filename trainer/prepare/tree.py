"""Every file under a folder, and what could not be looked at: nothing is passed over in silence."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClosedPath:
    """A folder or a file that was not looked at.

    Attributes:
        what: "folder" or "file".
        reason: says nothing of a patient.
    """

    path: Path
    what: str
    reason: str


def list_tree(root: Path) -> tuple[list[Path], list[ClosedPath]]:
    """List all regular files under `root`, links to those in it too, and all that is closed; both sorted."""
    files: list[Path] = []
    closed: list[ClosedPath] = []
    inside = os.path.realpath(root)

    def not_listed(error: OSError) -> None:
        reason = f"the folder can't be listed ({error.strerror or error})"
        closed.append(ClosedPath(Path(error.filename), "folder", reason))

    for parent, folders, names in os.walk(root, onerror=not_listed):
        for path in (os.path.join(parent, name) for name in folders):  # noqa: PTH118 - as below
            if os.path.islink(path):  # noqa: PTH114 - it may lead out of the tree, or round in it
                closed.append(ClosedPath(Path(path), "folder", "a link to a folder, which is not followed"))
        for path in (os.path.join(parent, name) for name in names):  # noqa: PTH118
            reason = _explain_closed(path, inside)
            if reason:
                closed.append(ClosedPath(Path(path), "file", reason))
            else:
                files.append(Path(path))
    return sorted(files), sorted(closed, key=lambda entry: entry.path)


def _explain_closed(path: str, root: str) -> str:
    """Explain why a file is not looked at; empty where it is. Path's methods raise on a path too long."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return f"it can't be looked at ({error.strerror or error})"
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if os.path.islink(path) and os.path.commonpath([root, os.path.realpath(path)]) != root:  # noqa: PTH114
        return "a link that leads out of the folder, which is not followed"
    return ""
