"""The figures of sides and lesions on the screen: what is told where there is little room."""

import re

import pytest
from rich.cells import cell_len

from edge.view.agent.state import View
from tests.edge.view.messages import figures, rendered, row, study, view


def lesions(count: int) -> View:
    """A study of `count` lesions and both sides; the second lesion is on both of them."""
    slides = [row(n, lesion=n, side="left" if n % 2 else "right") for n in range(1, count + 1)]
    of = {
        str(n): {"sides": ["left"], "risk": figures(highest=0.5 + n / 100, above_threshold=1, vote="tie")}
        for n in range(1, count + 1)
    }
    of["2"] = {"sides": ["left", "right"], "risk": None}
    below = figures(highest=0.05, mean=0.04, vote="below", above_threshold=0)
    return view(*slides, studies=[study(lesions=of, sides={"left": below, "right": figures()})])


def test_lesions_have_a_line_each_where_there_is_room() -> None:
    shown = "\n".join(rendered(lesions(2), 120, 48))
    left = " left   highest 5 % ▼ slide 1   vote below threshold, 2 of 2   mean 4 %   agreement 100 %"
    assert left in shown
    assert " #1 L   highest 51 % ▲ slide 1   vote tied, 1 of 2" in shown
    assert " #2 LR  slides on both sides: not put together" in shown
    assert "[2]R#2" in shown and "Side: right · Lesion: 2" in shown


def test_many_sides_and_lesions_share_lines_in_short_and_the_risk_keeps_its_room() -> None:
    lines = rendered(lesions(4), 80, 24)
    first = next(n for n, line in enumerate(lines) if line.startswith(" left ▼ 5 % ▼2/2   right ▲ 81 % ▲2/2"))
    assert lines[first].rstrip().endswith("#1 L ▲ 51 % ◆1/2   #2 LR both sides?")
    assert lines[first + 1].rstrip() == " #3 L ▲ 53 % ◆1/2   #4 L ▲ 54 % ◆1/2"
    assert "carcinoma" in "\n".join(lines) and "serous" in "\n".join(lines)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (50, 20), (100, 30), (160, 48)])
def test_what_has_no_room_is_counted(width: int, height: int) -> None:
    lines = rendered(lesions(9), width, height)
    start = next(n for n, line in enumerate(lines) if line.startswith(" left "))
    block = "\n".join(lines[start : next(n for n, line in enumerate(lines) if "[9]" in line)])
    told = len(re.findall(r"left |right |#\d", block))
    more = re.search(r"\+(\d)", block)
    assert told + (int(more[1]) if more else 0) == 11
    assert all(cell_len(line) <= width and "…" not in line for line in block.splitlines())
    assert (told < 11) == (height < 48)


def test_without_contact_no_lesion_is_told() -> None:
    assert "#1" not in "\n".join(rendered(lesions(3).lost()))
