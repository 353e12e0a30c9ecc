"""The agent's line: its state, room on the disk, the scanner's last contact; slides' numbers."""

import re
from datetime import timedelta
from typing import Any

import pytest

from edge.view.focus.focus import Focus
from tests.edge.view.messages import NOW, figures, rendered, row, study, view


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_agents_line_has_all_that_matters(width: int) -> None:
    (line,) = (line for line in rendered(view(row()), width) if "Agent ready" in line)
    for said in ("0 waiting", "143", "p95 201", "disk 41 GB", "image <1 min ago"):
        assert said in line


def test_little_room_on_the_disk_is_said_in_words_and_first() -> None:
    low = {"disk_free_mb": 900, "disk_images": 40, "disk_low": True}
    (line,) = (line for line in rendered(view(row(), agent=low)) if "Agent ready" in line)
    assert line.startswith(" ● Agent ready · DISK LOW: 900 MB free, room for 40 images · 0 waiting")
    (line,) = (line for line in rendered(view(row(), agent=low), 160) if "Agent ready" in line)
    assert "room for 40 images; below 256 MB none is received · 0 waiting" in line
    full = {**low, "state": "not receiving: the disk is nearly full: 90 MB free, min_free_mb is 256"}
    (line,) = (line for line in rendered(view(row(), agent=full), 160) if "Agent not receiving" in line)
    assert "LOW" not in line


def test_the_scanners_last_contact_is_said_where_it_was_later_than_the_last_image() -> None:
    def line(**agent: Any) -> str:
        return next(line for line in rendered(view(agent=agent), 120) if "Agent ready" in line)

    before = (NOW - timedelta(minutes=9)).isoformat()
    assert "· no image yet ·" in line(last_received_at=None, last_contact_at=None)
    assert "· no image yet, scanner heard of <1 min ago ·" in line(last_received_at=None)
    assert "· last image 9 min ago, scanner heard of <1 min ago ·" in line(last_received_at=before)
    assert "· last image <1 min ago ·" in line()


def test_of_more_slides_than_are_told_each_has_its_own_number() -> None:
    rows = [row(number, slide=number) for number in range(6, 206)]
    highest = figures(slides=205, highest_slide=["1.2.3", 1], highest_slide_number=3)
    shown = view(*rows, studies=[study(slides=205, risk=highest)])
    lines = rendered(shown)
    assert any(" SLIDE 205 of 205 " in line or " SLIDE 205/205 " in line for line in lines)
    assert any("highest 81 % ▲ slide 3 " in line for line in lines)
    (cells,) = (line for line in lines if "[205]" in line)
    first = int(re.findall(r" (\d+) ", cells)[0])
    assert cells.startswith(f" <{first - 1} ")
    first_told = Focus(slide=("1.2.6", 1))
    assert any(line.startswith(" <5   [6] ") for line in rendered(shown, focus=first_told))
    assert not any("of the last" in line for line in lines)  # the agent counted all
