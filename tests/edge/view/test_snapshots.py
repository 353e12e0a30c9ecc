"""The layouts, held as text: after a change meant, write them anew and look at them.

python -m tests.edge.view.test_snapshots
"""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from edge.view.focus.focus import Focus, press
from tests.edge.view.messages import NOW, exam, rendered

FOLDER = Path(__file__).parent / "snapshots"
LATER = NOW + timedelta(minutes=3)
# name: columns, lines, keys, whether the agent is there
SCREENS = {
    "slide-80x24": (80, 24, "", True),
    "study-100x30": (100, 30, "r", True),
    "not-scored-80x24": (80, 24, "3", True),
    "lesion-80x24": (80, 24, "8 l 1", True),
    "dispute-80x24": (80, 24, "4 d 4 b l u r", True),
    "earlier-study-120x36": (120, 36, "down", True),
    "private-160x48": (160, 48, "p 2", True),
    "help-80x24": (80, 24, "?", True),
    "no-contact-80x24": (80, 24, "h", False),
    "narrow-50x16": (50, 16, "2", True),
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def drawn(name: str) -> str:
    width, height, keys, in_contact = SCREENS[name]
    shown, focus = exam(), Focus()
    for key in keys.split():
        focus = press(focus, key, shown, NOW).focus
    lines = rendered(shown if in_contact else shown.lost(), width, height, focus=focus, now=LATER)
    assert len(lines) == height
    return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_as_it_was(name: str) -> None:
    assert drawn(name) == (FOLDER / f"{name}.txt").read_text()


def test_no_snapshot_is_left_over() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(SCREENS)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    for name in SCREENS:
        (FOLDER / f"{name}.txt").write_text(drawn(name))
