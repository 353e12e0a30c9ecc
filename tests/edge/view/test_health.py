"""The line that says how the agent is: queue, latency, disk, last contact; what matters is never cut off."""

from datetime import timedelta
from typing import Any

import pytest

from edge.view.screen.health import attention, scanners
from tests.edge.view.messages import NOW, rendered, row, view


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


def test_late_results_stand_first_in_the_line() -> None:
    late = {"waits_s": 45.2, "results_late": True}
    (line,) = (line for line in rendered(view(row(), agent=late)) if "Agent ready" in line)
    assert line.startswith(" ● Agent ready · RESULTS 45 S LATE · 0 waiting")


def test_what_people_should_see_has_lines_of_its_own() -> None:
    refused = "'US9' of 10.1.2.9: association rejected: no scanner has that title"
    seen = [{"name": "room 1", "last_seen_at": None}, {"name": "room 2", "last_seen_at": NOW.isoformat()}]
    shown = view(row(1), agent={"remarks": ["not reloaded", refused, "more"], "scanners": seen})
    assert [line.plain for line in attention(shown)] == [" ! not reloaded", f" ! {refused}"]
    (line,) = scanners(shown, NOW)
    assert line.plain.startswith("   Scanners: room 1 not seen yet · room 2 ")
    assert attention(shown.lost()) == scanners(shown.lost(), NOW) == []


def test_with_several_scanners_the_screen_says_which_one_sent_the_image() -> None:
    seen = [{"name": name, "last_seen_at": None} for name in ("room 1", "room 2")]
    lines = rendered(view(row(1, scanner="room 2"), agent={"scanners": seen}), 120)
    assert any(line.rstrip().endswith("from room 2") and "received" in line for line in lines)
    assert not any("from room 2" in line for line in rendered(view(row(1, scanner="room 2")), 120))
