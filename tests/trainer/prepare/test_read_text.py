"""What tesseract reads on a page, and that its failure is not taken for a page without text."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from scanside.deidentify.burned_in import TextOnTissue
from tests.outside import needs_tools
from trainer.prepare.read_text import find_reader

PAGE = np.full((200, 600), 255, np.uint8)


def written(text: str) -> np.ndarray:
    return np.asarray(cv2.putText(PAGE.copy(), text, (60, 100), cv2.FONT_HERSHEY_DUPLEX, 0.7, 0, 1), np.uint8)


@needs_tools("tesseract")
def test_a_line_is_read_and_an_empty_page_is_empty() -> None:
    read = find_reader()
    assert read is not None
    assert "BEISPIEL" in read(written("BEISPIEL VERA")).upper() and read(PAGE) == ""


def test_there_is_no_reader_without_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_reader() is None


def test_a_reader_that_fails_has_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tesseract").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "tesseract").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    read = find_reader()
    assert read is not None
    with pytest.raises(TextOnTissue, match="could not read"):
        read(written("BEISPIEL"))
