"""A clock that jumps ahead removes nothing; a person may say that it is right."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.storage.clock import Clock, Reading
from tests.edge.storage.folder import Folder, days_ago

DAY_S = 86400.0
START = Reading(1.8e9, 1000.0, "first boot")


class Machine:
    """A clock and a count that a test moves."""

    def __init__(self) -> None:
        self.reading = START

    def __call__(self) -> Reading:
        return self.reading

    def passes(self, seconds: float, ahead_s: float = 0.0, boot: str = "first boot") -> None:
        now = self.reading
        same = boot == now.boot
        count = now.count_s + seconds if same else 1.0
        self.reading = replace(now, wall_s=now.wall_s + seconds + ahead_s, count_s=count, boot=boot)


@pytest.mark.parametrize(
    ("seconds", "ahead_s", "boot", "believed"),
    [
        (60, 0, "first boot", True),
        (30 * DAY_S, 0, "first boot", True),  # it ran, or slept, and counted
        (60, 20, "first boot", True),  # a time server
        (60, 400 * DAY_S, "first boot", False),
        (60, 2 * 3600, "first boot", False),
        (4 * DAY_S, 0, "second boot", True),  # a long weekend
        (60, 400 * DAY_S, "second boot", False),
    ],
)
def test_a_jump_is_told_from_time_that_passed(
    seconds: float, ahead_s: float, boot: str, believed: bool, tmp_path: Path
) -> None:
    machine = Machine()
    assert Clock(tmp_path, machine).is_plausible("")
    machine.passes(seconds, ahead_s, boot)
    clock = Clock(tmp_path, machine)  # a second start of the agent
    assert clock.is_plausible("") == believed and bool(clock.problem) != believed
    if not believed:
        machine.passes(60, 0, boot)
        assert not clock.is_plausible("")  # nor later
        machine.passes(60, -ahead_s, boot)
        assert clock.is_plausible("") and not clock.problem  # it is right again


def test_a_person_may_accept_it(tmp_path: Path) -> None:
    machine = Machine()
    clock = Clock(tmp_path, machine)
    assert clock.is_plausible("")
    machine.passes(60, 400 * DAY_S)
    assert not clock.is_plausible("")
    clock.accept()
    assert clock.is_plausible("") and not clock.problem


def test_a_clock_that_is_behind_removes_nothing_and_is_no_jump_as_it_is_set_right(tmp_path: Path) -> None:
    machine = Machine()
    clock = Clock(tmp_path, machine)
    assert clock.is_plausible("")
    machine.passes(3600, -20 * DAY_S, "second boot")  # without a battery for its clock
    assert not clock.is_plausible("") and not clock.problem
    machine.passes(30, 20 * DAY_S, "second boot")
    assert clock.is_plausible("")


def test_the_last_image_tells_where_nothing_was_believed_before(tmp_path: Path) -> None:
    assert not Clock(tmp_path).is_plausible(days_ago(8))
    assert Clock(tmp_path).is_plausible(days_ago(1))


def test_retention_waits_for_a_plausible_clock(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.add("a", "ID-1", "1.1", days_ago(40))
    folder.add("b", "ID-1", "1.2", days_ago(0))
    machine = Machine()
    folder.custody.clock = Clock(tmp_path, machine)
    assert folder.custody.clock.is_plausible("")
    machine.passes(60, 400 * DAY_S)
    assert folder.custody.retain(30, 0) == 0 and folder.files() == {"a.dcm", "b.dcm"}
    assert "nothing is removed by age" in folder.custody.clock_problem()
    assert folder.custody.clock_problem(accept=True) == ""
    assert folder.custody.retain(30, 0) == 1 and folder.files() == {"b.dcm"}
