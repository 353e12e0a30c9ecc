"""No path from outside is waited for: a pipe is refused at once, wherever one may be named."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.cli import main as edge
from export.cli import main as export
from scanside.deidentify.key import load_or_make_key
from scanside.errors import InputError
from scanside.model.bundle import load_bundle
from scanside.model.signature import parse_key
from scanside.regular_file import open_regular, read_regular
from scanside.scan.instance import open_instance
from trainer.cli import main as trainer
from trainer.data.hospital import read_dataset
from trainer.prepare.clinical import read_clinical


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    return path


def test_a_regular_file_is_read_by_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link") == b"content" and read_regular(tmp_path / "file", 3) == b"con"
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "missing")


def test_what_is_no_regular_file_is_not_opened(pipe: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(pipe.with_name("socket")))
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    for path in (pipe, pipe.parent, Path("/dev/null"), pipe.with_name("socket")):
        with pytest.raises(OSError):
            open_regular(path)
    after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    listening.close()
    assert before == after


@pytest.mark.parametrize("read", [load_bundle, load_or_make_key, open_instance, read_clinical])
def test_a_pipe_is_an_error_in_the_library(read: Callable[[Path], object], pipe: Path) -> None:
    with pytest.raises(InputError, match="pipe"):
        read(pipe)


def test_a_pipe_is_no_public_key(pipe: Path) -> None:
    with pytest.raises(InputError, match="neither a public key"):
        parse_key(str(pipe))


@pytest.mark.parametrize("name", ["manifest.json", "network.onnx"])
def test_a_pipe_in_a_bundle_is_an_error(name: str, tmp_path: Path) -> None:
    from scanside.model.bundle import DEFAULT_BUNDLE

    for file in DEFAULT_BUNDLE.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="not a regular file"):
        load_bundle(tmp_path)


def test_a_pipe_in_a_dataset_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dataset.json")
    with pytest.raises(InputError, match="not a regular file"):
        read_dataset(tmp_path)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (export, ["{pipe}", "--out", "{out}"]),
        (export, ["wrap", "{pipe}", "--manifest", "{pipe}", "--golden", "{pipe}", "--out", "{out}"]),
        (edge, ["assess", "{pipe}"]),
        (trainer, ["denoise", "{out}", "--with", "{pipe}", "--out", "{out}-2"]),
    ],
    ids=["export-model", "wrap", "edge assess", "trainer denoise"],
)
def test_a_command_ends_on_a_pipe(program: Callable[[list[str]], int], words: list[str], pipe: Path) -> None:
    given = [word.format(pipe=pipe, out=pipe.with_name("out")) for word in words]
    assert program(given) == 1


def test_a_report_of_a_folder_with_a_pipe_ends(tmp_path: Path) -> None:
    run = tmp_path / "arms" / "some" / "seed-0"
    run.mkdir(parents=True)
    for name in ("run.json", "train.npz", "validation.npz", "test.npz"):
        os.mkfifo(run / name)
    (tmp_path / "sections").mkdir()
    os.mkfifo(tmp_path / "sections" / "table1.json")
    assert trainer(["report", str(tmp_path)]) in (0, 1)
