"""`trainer synth annotations`: a picture of pairs, and clear words for what is not a scan."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.cli import main


def scans(folder: Path) -> Path:
    folder.mkdir()
    for number in range(3):
        grey = np.random.default_rng(number).integers(40, 200, (150 + 40 * number, 240), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.GaussianBlur(grey, (5, 3), 0))
    (folder / "notes.txt").write_text("no scan")
    return folder


def test_a_sheet_shows_each_scan_clean_annotated_and_marked(tmp_path: Path) -> None:
    source = scans(tmp_path / "scans")
    for preset in ("broad", "thesis"):
        words = ["synth", "annotations", str(source), str(tmp_path / f"{preset}.png"), "--preset", preset]
        assert main(words) == 0
        sheet = cv2.imread(str(tmp_path / f"{preset}.png"))
        assert sheet.shape == (3 * 280, 3 * 420, 3)
        clean, _, marked = np.hsplit(sheet, 3)
        assert np.ptp(clean.astype(int), axis=2).max() == 0
        assert (marked.reshape(3, -1, 3) == (255, 0, 255)).all(axis=2).any(axis=1).all()
    before = (tmp_path / "broad.png").read_bytes()
    assert main(["synth", "annotations", str(source), str(tmp_path / "broad.png")]) == 0
    assert (tmp_path / "broad.png").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{empty}", "sheet.png"], "holds no PNG"),
        (["{missing}", "sheet.png"], "not a folder"),
        (["{scans}", "sheet.jpg"], "is a PNG"),
        (["{scans}", "{out}/sheet.png", "--preset", "wide"], "preset"),
        (["{scans}", "{out}/sheet.png", "--count", "0"], "--count"),
        (["{broken}", "{out}/sheet.png"], "not an image"),
        (["{nested}", "{out}/sheet.png"], "can't be read"),
    ],
)
def test_bad_input_is_named(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {name: tmp_path / name for name in ("empty", "missing", "broken", "nested", "out")}
    places["scans"] = scans(tmp_path / "scans")
    for name in ("empty", "broken", "out"):
        places[name].mkdir()
    (places["broken"] / "scan.png").write_bytes(b"")
    (places["nested"] / "scan.png").mkdir(parents=True)
    assert main(["synth", "annotations", *(word.format(**places) for word in words)]) == 1
    assert message in capsys.readouterr().err
    assert not list(places["out"].iterdir())
