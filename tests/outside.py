"""Programs from outside Python that tests and benchmarks run: where each is, and which package brings it.

Nothing else in tests and benchmarks looks for a program. The look-up goes by PATH alone, so that a PATH
without them stands for a machine that has none.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGES = {
    **dict.fromkeys(("storescu", "storescp", "dcmcjpeg", "dcmdjpeg"), "dcmtk"),
    **dict.fromkeys(("dcmcjpls", "dcmdjpls", "dcmcrle", "dcmdrle"), "dcmtk"),
    **dict.fromkeys(("mount", "umount"), "mount"),
    "Orthanc": "orthanc",
    "apt-get": "apt",
    "bash": "bash",
    "cp": "coreutils",
    "dciodvfy": "dicom3tools",
    "dpkg": "dpkg",
    "git": "git",
    "mkfs.ext4": "e2fsprogs",
    "openssl": "openssl",
    "strace": "strace",
    "tesseract": "tesseract-ocr",
    "tmux": "tmux",
}  # Debian's name of the package that brings a program
_REASON = re.compile(r"needs [\w, ]+: install ([\w-]+(?:, [\w-]+)*)$")


def find_tool(name: str) -> Path | None:
    """Find a program of `PACKAGES` on PATH; None where it is not installed.

    A script is passed over: pynetdicom installs some with the names of DCMTK's programs.
    """
    if name not in PACKAGES:
        raise KeyError(f"{name} has no package in {__name__}.PACKAGES")
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found and not _is_script(Path(found)):
            return Path(found)
    return None


def require_tool(name: str) -> Path:
    """Find a program of `PACKAGES`, or skip the test that asks for it."""
    found = find_tool(name)
    return found if found is not None else pytest.skip(missing_reason(name))


def find_tool_or_exit(name: str) -> Path:
    """Find a program of `PACKAGES`, or end the benchmark that asks for it with what to install."""
    found = find_tool(name)
    if found is None:
        raise SystemExit(missing_reason(name))
    return found


def needs_tools(*names: str) -> pytest.MarkDecorator:
    """Mark a test that is skipped where one of these programs is missing."""
    missing = [name for name in names if find_tool(name) is None]
    return pytest.mark.skipif(bool(missing), reason=missing_reason(*missing))


def missing_reason(*names: str) -> str:
    """Say which programs are missing, and what to install."""
    return f"needs {', '.join(names)}: install {', '.join(sorted({PACKAGES[name] for name in names}))}"


def summarise_missing(reasons: Iterable[str]) -> str | None:
    """Sum up why tests were skipped in one line: how many for want of programs, and what to install."""
    packages: Counter[str] = Counter()
    checks = 0
    for reason in reasons:
        if found := _REASON.search(reason):
            packages.update(found[1].split(", "))
            checks += 1
    if not checks:
        return None
    return f"{checks} check{'s' * (checks > 1)} skipped: install {', '.join(sorted(packages))}"


def _is_script(path: Path) -> bool:
    with path.open("rb") as program:
        return program.read(2) == b"#!"


def main() -> None:
    """Print the packages that are missing for all tests; Orthanc is for benchmarks alone."""
    names = [name for name in PACKAGES if name != "Orthanc" and find_tool(name) is None]
    print(*sorted({PACKAGES[name] for name in names}), sep="\n")


if __name__ == "__main__":
    main()
