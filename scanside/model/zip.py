"""A bundle as one .zip file, for carrying. It is read in memory: no name in it ever becomes a path.

Only what `export-model pack` writes is read: a few stored or deflated files with plain names, no folder, no
link, no password, no comment, no ZIP64, nothing before or after the archive (PKWARE APPNOTE 4.3, 4.4).
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from scanside.errors import BundleError
from scanside.regular_file import read_regular

MAX_BYTES = 1 << 30  # of the archive, and of all that is in it
MAX_FILES = 32
MAX_RATIO = 100  # an ONNX graph shrinks to a half, a manifest to a fifth
SMALL = 1 << 16  # bytes that may come of little, whatever the ratio
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_END, _ZIP64_LOCATOR = struct.Struct("<4s4H2LH"), 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


def read_zip(path: Path) -> dict[str, bytes]:
    """Content by name.

    Raises:
        BundleError: it is no archive of a bundle, damaged, or made to do harm.
    """
    try:
        raw = read_regular(path, MAX_BYTES + 1)
    except OSError as error:
        raise BundleError(
            f"no bundle at {path}: it can't be read ({error.strerror}). Check the path."
        ) from error
    if len(raw) > MAX_BYTES:
        raise _refusal(path, f"it is larger than {MAX_BYTES} bytes")
    _check_end(raw, path)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            _check_entries(archive.infolist(), path)
            return {entry.filename: _content(archive, entry, path) for entry in archive.infolist()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        OSError,
        RuntimeError,
        ValueError,
    ) as error:
        raise _refusal(path, f"it is damaged: {ascii(str(error))[1:-1]}") from error


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write an archive that `read_zip` reads; the same files give the same bytes.

    Raises:
        BundleError: `path` exists or can't be written.
    """
    try:
        with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system = 3
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, files[name])
    except FileExistsError:
        raise BundleError(f"{path} exists and is left as it is. Choose another path.") from None
    except OSError as error:
        raise BundleError(f"{path} can't be written: {error.strerror}.") from error


def _check_end(raw: bytes, path: Path) -> None:
    """Before zipfile reads the directory: that there is one, small, at the end, and nothing around it."""
    if len(raw) < _END.size:
        raise _refusal(path, "it is no zip archive")
    signature, disk, first_disk, here, entries, size, offset, comment = _END.unpack(raw[-_END.size :])
    if signature != b"PK\5\6" or comment:
        raise _refusal(path, "it is no zip archive, or one with a comment")
    if disk or first_disk or here != entries or offset + size + _END.size != len(raw):
        raise _refusal(path, "something stands before, after or within the archive that is not of it")
    if raw[-_END.size - _ZIP64_LOCATOR :].startswith(b"PK\6\7"):
        raise _refusal(path, "it is of the ZIP64 form, which no bundle needs")
    if entries > MAX_FILES or size > MAX_FILES * 1024:
        raise _refusal(path, f"it holds {entries} files; a bundle has at most {MAX_FILES}")


def _check_entries(entries: list[zipfile.ZipInfo], path: Path) -> None:
    names = {entry.filename.casefold() for entry in entries}
    if len(entries) > MAX_FILES:  # the number in the end record may lie
        raise _refusal(path, f"it holds {len(entries)} files; a bundle has at most {MAX_FILES}")
    if len(names) < len(entries):
        raise _refusal(path, "it holds a name twice")
    for entry in entries:
        name, kind = ascii(entry.orig_filename), stat.S_IFMT(entry.external_attr >> 16)
        if not PLAIN_NAME.fullmatch(entry.orig_filename):  # zipfile cuts `filename` at a NUL
            raise _refusal(path, f"{name} is no plain file name; a bundle has no folders")
        if kind not in (0, stat.S_IFREG):
            raise _refusal(path, f"{name} is a link or a special file")
        if entry.flag_bits & 0x2041:  # encrypted, strongly encrypted, masked header
            raise _refusal(path, f"{name} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _refusal(path, f"{name} is compressed by another method than deflate")
        if entry.file_size > MAX_RATIO * entry.compress_size + SMALL:
            raise _refusal(path, f"{name} would grow to more than {MAX_RATIO} times its size")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise _refusal(path, f"it would grow to more than {MAX_BYTES} bytes")


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """zipfile gives at most `file_size` bytes, whatever the stream holds, and checks their CRC."""
    with archive.open(entry) as stream:
        content = stream.read(entry.file_size)
        if len(content) != entry.file_size or stream.read(1):
            raise _refusal(path, f"{entry.filename!a} is not as long as the archive says")
        return content


def _refusal(path: Path, problem: str) -> BundleError:
    return BundleError(f"{path} is no bundle: {problem}. Make one with: export-model pack BUNDLE OUT.zip")
