"""A bundle in a .zip is read in memory, and whatever else such a file may hold is refused."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from export.pack import pack
from scanside.errors import BundleError
from scanside.model.bundle import MANIFEST, load_bundle
from scanside.model.zip import MAX_FILES, read_zip, write_zip

FILES = {"manifest.json": b"{}" * 40, "network.onnx": bytes(range(256)) * 20}


def archive(entries: dict[str, bytes], change: Callable[[zipfile.ZipInfo], object] = lambda _: None) -> bytes:
    """A zip as a stranger's program may write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            file.writestr(info, content)
    return buffer.getvalue()


def refuse(raw: bytes, message: str, folder: Path) -> None:
    path = folder / "bundle.zip"
    path.write_bytes(raw)
    with pytest.raises(BundleError, match=message) as refusal:
        read_zip(path)
    assert "export-model pack" in str(refusal.value)
    assert str(refusal.value).isprintable()


def test_a_packed_bundle_is_the_same_bundle(bundle_folder: Path, tmp_path: Path) -> None:
    packed = pack(bundle_folder, tmp_path / "bundle.zip")
    assert packed == load_bundle(bundle_folder, allow_test_only=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle.zip"]


def test_packing_twice_gives_the_same_bytes_and_overwrites_nothing(
    bundle_folder: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    pack(bundle_folder, first)
    pack(first, second)
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(BundleError, match="exists and is left as it is"):
        pack(bundle_folder, first)


def test_an_altered_file_in_the_archive(bundle_folder: Path, tmp_path: Path) -> None:
    pack(bundle_folder, tmp_path / "bundle.zip")
    files = read_zip(tmp_path / "bundle.zip")
    write_zip(tmp_path / "altered.zip", {**files, "golden.npz": files["golden.npz"] + b"x"})
    with pytest.raises(BundleError, match=r"golden\.npz was altered"):
        load_bundle(tmp_path / "altered.zip", allow_test_only=True)
    del files["golden.npz"]
    write_zip(tmp_path / "incomplete.zip", files)
    with pytest.raises(BundleError, match=r"golden\.npz can't be read"):
        load_bundle(tmp_path / "incomplete.zip", allow_test_only=True)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../secret",
            "/etc/passwd",
            "a/b",
            "a\\..\\b",
            "C:\\x",
            "..",
            ".",
            ".hidden",
            "folder/",
            "a\0b",
            "\x1b[2J",
        ),
        *("\u202egnp.exe", "x" * 101),
    ],
)
def test_names_that_are_not_plain(name: str, tmp_path: Path) -> None:
    raw = archive({name.replace("\0", "#"): b"x"})
    refuse(raw.replace(b"a#b", b"a\0b"), "no plain file name", tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["manifest.json", "MANIFEST.json"])
def test_a_name_twice(second: str, tmp_path: Path) -> None:
    raw = archive({"manifest.json": b"{}", "manifest.jsom": b"[]"})
    refuse(raw.replace(b"manifest.jsom", second.encode()), "holds a name twice", tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_special_files(kind: int, tmp_path: Path) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    refuse(archive({"network.onnx": b"/etc/passwd"}, change), "a link or a special file", tmp_path)


@pytest.mark.parametrize("bit", [0x1, 0x40, 0x2000])
def test_encrypted(bit: int, tmp_path: Path) -> None:
    raw = bytearray(archive(FILES))
    at = raw.index(b"PK\1\2") + 8
    raw[at : at + 2] = struct.pack("<H", bit)
    refuse(bytes(raw), "is encrypted", tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods(method: int, tmp_path: Path) -> None:
    refuse(
        archive(FILES, lambda info: setattr(info, "compress_type", method)),
        "another method than deflate",
        tmp_path,
    )


def test_bombs(tmp_path: Path) -> None:
    refuse(archive({"network.onnx": bytes(8 << 20)}), "more than 100 times its size", tmp_path)
    refuse(archive({f"f{n}": b"" for n in range(MAX_FILES + 1)}), "holds 33 files", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scanside.model.zip.MAX_BYTES", 4096)
        refuse(archive({"a": os.urandom(4000), "b": bytes(200)}), "larger than 4096 bytes", tmp_path)
        refuse(archive({"a": os.urandom(2000), "b": bytes(3000)}), "grow to more than 4096 bytes", tmp_path)


@pytest.mark.parametrize("declared", [1, 60, 4000])
def test_a_size_that_lies(declared: int, tmp_path: Path) -> None:
    """More or less in the stream than the directory says: never more is unpacked, and it is refused."""
    raw = bytearray(archive({"manifest.json": os.urandom(80)}))
    at = raw.index(b"PK\1\2") + 24
    raw[at : at + 4] = struct.pack("<L", declared)
    refuse(bytes(raw), "is damaged|not as long", tmp_path)


def test_a_number_of_files_that_lies(tmp_path: Path) -> None:
    raw = bytearray(archive({f"f{n}": b"" for n in range(MAX_FILES + 8)}))
    raw[-14:-10] = struct.pack("<2H", 1, 1)
    refuse(bytes(raw), f"holds {MAX_FILES + 8} files", tmp_path)


def test_what_stands_around_an_archive(tmp_path: Path) -> None:
    raw = archive(FILES)
    refuse(b"#!/bin/sh\n" + raw, "not of it", tmp_path)
    refuse(raw + b"x", "no zip archive", tmp_path)
    buffer = io.BytesIO(raw)
    with zipfile.ZipFile(buffer, "a") as file:
        file.comment = b"PK"
    refuse(buffer.getvalue(), "with a comment", tmp_path)
    end = raw[-22:]
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    size, offset = struct.unpack("<2L", end[12:20])
    end = end[:12] + struct.pack("<2L", size + len(locator), offset) + end[20:]
    refuse(raw[:-22] + locator + end, "ZIP64", tmp_path)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BundleError, match="not a regular file"):
        load_bundle(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / MANIFEST)
    with pytest.raises(BundleError, match="not a regular file"):
        load_bundle(tmp_path / "folder")


WHOLE = archive(FILES)


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)))
@example(b"", 0)
def test_any_bytes_are_an_archive_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, cut: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.zip"
    for raw in (tail, WHOLE[:cut] + tail, tail + WHOLE[cut:]):
        path.write_bytes(raw)
        try:
            assert read_zip(path) == FILES  # only cutting nothing and adding nothing leaves it whole
        except BundleError as refusal:
            assert str(refusal).isprintable()


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_altered_byte_is_seen_or_changes_nothing_that_is_used(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    raw = bytearray(WHOLE)
    for at, value in changes:
        raw[at] = value
    path = tmp_path_factory.getbasetemp() / "altered.zip"
    path.write_bytes(raw)
    try:
        read = read_zip(path)
    except BundleError as refusal:
        assert str(refusal).isprintable()
        return
    assert set(read.values()) <= {*FILES.values(), b""}  # dates, versions, names and the like
    assert all(len(name) <= 100 and "/" not in name for name in read)


@given(
    st.dictionaries(
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,20}\Z"), st.binary(max_size=300), max_size=6
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    path = tmp_path_factory.mktemp("zip") / "bundle.zip"
    write_zip(path, files)
    if len({name.casefold() for name in files}) < len(files):
        with pytest.raises(BundleError, match="a name twice"):
            read_zip(path)
    else:
        assert read_zip(path) == files
