"""`edge assess --explain-preparation`: a PNG, or one line that says why not."""

from pathlib import Path

import cv2
import pytest

from edge.cli import main
from tests.synth.dicom import make_instance, save
from tests.synth.scans import make_frame
from tests.synth.screens import spectrum


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return save(make_instance([make_frame(1).pixels]), tmp_path / "scan.dcm")


def test_picture_is_written(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "steps.png"
    assert main(["assess", "--explain-preparation", str(scan), "--out", str(out)]) == 0
    assert cv2.imread(str(out)).shape[1] > 1000


def test_what_is_not_scorable_is_drawn_too(tmp_path: Path) -> None:
    file, out = save(make_instance([spectrum(1)]), tmp_path / "a.dcm"), tmp_path / "steps.png"
    assert main(["assess", "--explain-preparation", str(file), "--out", str(out)]) == 0
    assert cv2.imread(str(out)) is not None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["assess"], "give a FILE to score"),
        (
            ["assess", "scan.dcm", "--explain-preparation", "scan.dcm", "--out", "a.png"],
            "give a FILE to score",
        ),
        (["assess", "--explain-preparation", "scan.dcm"], "belong together"),
        (["assess", "scan.dcm", "--out", "a.png"], "belong together"),
        (["assess", "--explain-preparation", "none.dcm", "--out", "a.png"], "does not exist"),
        (["assess", "--explain-preparation", "scan.dcm", "--out", "no/folder/a.png"], "can't be written"),
    ],
)
def test_wrong_words(
    words: list[str],
    message: str,
    scan: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(scan.parent)
    assert main(words) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_the_image_is_never_written_over(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = scan.read_bytes()
    (tmp_path / "link.png").symlink_to(scan)
    for out in (scan, tmp_path / "link.png"):
        assert main(["assess", "--explain-preparation", str(scan), "--out", str(out)]) == 1
        assert "is the image itself" in capsys.readouterr().err
    assert scan.read_bytes() == before
