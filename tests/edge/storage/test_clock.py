"""A clock that jumps ahead removes nothing; a person may say that it is right."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.protocol.json import to_json
from edge.protocol.row import CLOCK_FLAGS, now
from edge.storage.clock import NAME, Clock, Reading
from edge.storage.reading import read_rows
from edge.storage.spool import Spool
from tests.edge.conftest import MakeImage
from tests.edge.running import RunningAgent, edge, wait_for
from tests.edge.storage.folder import Folder, days_ago
from tests.edge.storage.received import receive

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


def test_times_run_on_from_no_clock_that_was_not_trusted(tmp_path: Path, image: MakeImage) -> None:
    spool = Spool(tmp_path / "spool")
    first = receive(spool, image(1), days_ago(1))
    ahead = [receive(spool, image(seed), days_ago(-400), doubted=True) for seed in (2, 3)]
    last = receive(spool, image(4), days_ago(0))
    assert first.received_at < last.received_at < now() < ahead[0].received_at < ahead[1].received_at
    assert [one.clock for one in (first, *ahead, last)] == [None, "doubted", "doubted", None]
    told = [(one.file, one.received_at, one.clock) for one in Spool(tmp_path / "spool").read(spool.files())]
    assert told == [(one.file, one.received_at, one.clock) for one in (first, *ahead, last)]  # their order
    again = Spool(tmp_path / "spool")
    again.sweep()
    assert again.latest == last.received_at


@pytest.mark.parametrize("accepted", [True, False])
def test_times_of_a_clock_that_was_not_trusted_are_settled(
    accepted: bool, tmp_path: Path, image: MakeImage
) -> None:
    folder, machine = Folder(tmp_path), Machine()
    folder.custody.clock = Clock(tmp_path, machine)
    assert folder.custody.clock_problem() == ""
    machine.passes(60, 400 * DAY_S)
    assert folder.custody.clock_problem() != ""
    ahead = [receive(folder.spool, image(seed), days_ago(-400), doubted=True) for seed in (1, 2)]
    for one in ahead:
        folder.custody.take(one)
    flag = CLOCK_FLAGS["doubted"]
    assert [row["flags"] for row in _rows(folder)] == [[flag], [flag]]
    assert not folder.custody.see_to_clock()
    if accepted:
        assert folder.custody.clock_problem(accept=True) == ""
        settled = [(one.received_at, None, []) for one in ahead]
    else:
        machine.passes(60, -400 * DAY_S)
        right = receive(folder.spool, image(3))
        folder.custody.take(right)
        assert _rows(folder).pop()["received_at"] == right.received_at  # the newest again
        before = [row["received_at"] for row in _rows(folder)[:2]]
        assert before[0] < before[1] < right.received_at
        settled = [(at, "at most", [CLOCK_FLAGS["at most"]]) for at in before]
    for _ in range(2):
        told = [(row["received_at"], row["clock"], row["flags"]) for row in _rows(folder)[:2]]
        assert told == settled
        folder.store.remove(folder.store.files())  # and the files say it themselves
        folder.custody.take_up(set())


def _rows(folder: Folder) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(to_json(read_rows(folder.data)))
    return rows


def test_an_image_of_a_clock_that_is_not_trusted_is_marked_until_a_person_accepts_it(
    agent: RunningAgent, image: MakeImage
) -> None:
    path = agent.data / NAME
    wait_for(path.exists, "the time that is believed")
    believed = path.read_text()
    path.write_text(json.dumps({"wall_s": time.time() - 30 * DAY_S, "count_s": 0.0, "boot": "another"}))
    agent.send(image(1))
    (row,) = agent.results(1)
    assert row["clock"] == "doubted" and CLOCK_FLAGS["doubted"] in row["flags"]
    assert CLOCK_FLAGS["doubted"] in edge("results", "--data", agent.data).stdout
    wait_for(lambda: any("edge clock --accept" in one for one in agent.status()["warnings"]), "the warning")
    assert "! the clock went from" in edge("watch", "--data", agent.data, "--once").stdout
    assert edge("clock", "--data", agent.data).returncode == 1

    path.write_text(believed)  # it is right again
    agent.send(image(2))
    first, second = agent.results(2)
    assert (first["clock"], second["clock"]) == ("at most", None)
    assert first["received_at"] == row["received_at"] < second["received_at"]

    path.write_text(json.dumps({"wall_s": time.time() - 30 * DAY_S, "count_s": 0.0, "boot": "another"}))
    agent.send(image(3))
    assert [one["clock"] for one in agent.results(3)] == ["at most", None, "doubted"]
    assert edge("clock", "--data", agent.data, "--accept").returncode == 0
    assert [one["clock"] for one in agent.results(3)] == ["at most", None, None]
    assert agent.status()["warnings"] == []
