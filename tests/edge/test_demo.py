"""`edge demo` from start to end: nothing is left running, and it only succeeds when something was scored."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.commands.demo import REAL_FILES, SYNTHETIC_SCANS
from edge.demo.scans import draw, write_scans
from scanside import RESEARCH_USE
from scanside.bundle import MANIFEST
from scanside.scan.decode import open_instance
from scanside.scan.prepare import prepare
from scanside.scan.region import find_regions
from scanside.scan.types import Size
from tests.edge.running import edge
from tests.edge.watch_terminal import in_terminal, running_with


@pytest.fixture
def demo(tmp_path: Path, bundle: Path) -> list[str]:
    """The arguments of a demo with the test bundle."""
    return ["demo", "--data", str(tmp_path / "data"), "--bundle", str(bundle), "--allow-test-bundle"]


def test_prints_every_frame_without_a_terminal(demo: list[str], tmp_path: Path) -> None:
    done = edge(*demo)
    assert done.returncode == 0, done.stderr
    assert RESEARCH_USE in done.stdout
    assert not running_with(tmp_path / "data")
    rows = json.loads(edge("results", "--json", "--data", tmp_path / "data").stdout)
    assert len({row["sop_instance_uid"] for row in rows}) == len(REAL_FILES) + SYNTHETIC_SCANS
    assert {row["state"] for row in rows} <= {"scored", "not_scored"}
    for name in REAL_FILES:
        assert name in done.stdout
    assert len(re.findall(r"\.dcm +(real|synthetic) ", done.stdout)) == len(rows)
    assert done.stdout.count("○ not scored") == sum(row["state"] == "not_scored" for row in rows)
    assert len(re.findall(r"\d %", done.stdout)) == sum(row["state"] == "scored" for row in rows)


def test_shows_the_live_view_in_a_terminal(demo: list[str], tmp_path: Path) -> None:
    with in_terminal(*demo, "--seconds", "4") as terminal:
        terminal.wait_for("9 images")
        terminal.wait_for(RESEARCH_USE.upper())
        assert terminal.end() == 0
    after = terminal.raw.rpartition("\x1b[?1049l")[2]  # the live view is gone, the final table stays
    assert all(name in after for name in REAL_FILES)
    assert not running_with(tmp_path / "data")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaves_nothing_running_when_interrupted(demo: list[str], tmp_path: Path, number: int) -> None:
    process = subprocess.Popen([sys.executable, "-m", "edge.cli", *demo], stderr=subprocess.PIPE)
    end = time.monotonic() + 30
    while len(running_with(tmp_path / "data")) < 2:  # itself and the agent
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(process.pid, number)
    _, stderr = process.communicate(timeout=40)
    assert process.returncode == 2
    assert b"Traceback" not in stderr
    assert not running_with(tmp_path / "data")


def test_a_person_may_close_it_early(demo: list[str], tmp_path: Path) -> None:
    with in_terminal(*demo) as terminal:
        terminal.wait_for("NOT SCORED")
        terminal.type(b"\x03")
        assert terminal.end() == 0
    assert not running_with(tmp_path / "data")


def test_leaves_nothing_running_when_its_window_is_closed(demo: list[str], tmp_path: Path) -> None:
    with in_terminal(*demo) as terminal:
        terminal.wait_for(RESEARCH_USE.upper())
        terminal.close()
        assert terminal.process.wait(40) in (0, 2)  # 2 when it was just writing to the window
    assert not running_with(tmp_path / "data")


def test_passes_on_why_the_agent_does_not_start(tmp_path: Path, bundle: Path) -> None:
    data = ["--data", tmp_path / "data"]
    for options, why in (
        (["--bundle", tmp_path / "none"], "no bundle at"),
        (["--bundle", bundle], "a bundle for tests"),
    ):
        done = edge("demo", *data, *options)
        assert done.returncode == 1
        assert why in done.stderr
        assert "Traceback" not in done.stderr
        assert not running_with(tmp_path / "data")


def test_fails_when_nothing_is_scored(tmp_path: Path, bundle: Path) -> None:
    strict = tmp_path / "strict"
    shutil.copytree(bundle, strict)
    manifest = json.loads((strict / MANIFEST).read_text())
    manifest["reference"]["max_distance"] = 1e-6
    (strict / MANIFEST).write_text(json.dumps(manifest))
    done = edge("demo", "--bundle", strict, "--allow-test-bundle")
    assert done.returncode == 2
    assert "nothing was scored" in done.stderr


def test_fails_when_the_results_do_not_come_in_time(demo: list[str]) -> None:
    done = edge(*demo, "--seconds", "0.001")
    assert done.returncode == 2
    assert "did not come in time" in done.stderr


def test_synthetic_scans_are_scans(tmp_path: Path) -> None:
    paths = write_scans(tmp_path, 3)
    frames = [open_instance(path).frame() for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        instance = open_instance(path)
        (region,) = find_regions(instance.header, frame.size)
        assert prepare(frame, region, Size(84, 136)).pixels.std() > 0.1
        assert "Synthetic" in str(instance.header.ImageComments)
    assert (frames[0].pixels == draw(1, solid_parts=0)).all()
    assert (frames[0].pixels != frames[2].pixels).any()
