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
from typing import Any

import numpy as np
import pydicom
import pytest
from rich.console import Console

from edge.commands.demo import REAL_FILES, SYNTHETIC_SCANS, DemoFile, final_table
from edge.demo.exam import SPECTRUM, write_exam
from scanside import RESEARCH_USE
from scanside.errors import NoTissue
from scanside.image import Size
from scanside.model.bundle import MANIFEST
from scanside.phantom.sweep import Cyst, View, draw
from scanside.scan.instance import open_instance
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import prepare
from tests.edge.running import RunningAgent, edge
from tests.edge.view.messages import row, view
from tests.edge.view.terminal import in_terminal, running_with


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


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of the recorded exam."""
    return [path for path, _ in write_exam(tmp_path_factory.mktemp("exam"))]


def test_an_exam_is_eight_slides_and_a_cine_of_one_study(exam: list[Path]) -> None:
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in exam]
    cines = [header for header in headers if "NumberOfFrames" in header]
    assert (len(headers), len(cines)) == (9, 1)
    assert len({header.StudyInstanceUID for header in headers}) == 1
    assert {str(header.PatientName) for header in headers} == {"Synthetic^Exam"}
    assert len({header.SOPInstanceUID for header in headers}) == 9
    series = {header.SeriesInstanceUID: header.SeriesNumber for header in headers}
    assert sorted(series.values()) == [1, 2]
    assert [header.InstanceNumber for header in headers] == list(range(1, 10))
    taken = [header.ContentDate + header.ContentTime for header in headers]
    assert taken == sorted(set(taken))
    assert {header.ImageLaterality for header in headers} == {"L", "R"}
    for header in headers:
        side = "right" if header.ImageLaterality == "R" else "left"
        assert side in Path(header.filename).name
        assert "Synthetic" in header.ImageComments


def test_all_of_an_exam_but_the_spectrum_are_scans(exam: list[Path]) -> None:
    for number, path in enumerate(exam, 1):
        instance = open_instance(path)
        for index in (0, int(instance.header.get("NumberOfFrames", 1)) - 1):
            frame = instance.frame(index)
            if number == SPECTRUM:
                with pytest.raises(NoTissue):
                    find_regions(instance.header, frame.size)
                continue
            (region,) = find_regions(instance.header, frame.size)
            assert prepare(frame, region, Size(84, 136)).pixels.std() > 0.1


def test_planes_near_each_other_show_the_same_lesion() -> None:
    cyst = Cyst(seed=1, axes=(150, 110, 120), solid=((1.0, 0.0, 0.0, 40),))
    middle, beside, across = (draw(cyst, view) for view in (View(), View(past_px=5), View(turn_deg=90)))
    assert (middle.pixels == draw(cyst, View()).pixels).all()  # the same every time
    both = np.count_nonzero(middle.lesion & beside.lesion) / np.count_nonzero(middle.lesion | beside.lesion)
    assert 0.95 < both < 1
    shades = [plane.pixels[..., 0].astype(float).ravel() for plane in (middle, beside, across)]
    assert np.corrcoef(shades[0], shades[1])[0, 1] > 0.9 > np.corrcoef(shades[0], shades[2])[0, 1]
    assert middle.solid.any() and not across.solid.any()


def test_plays_an_exam_as_fast_as_it_goes_without_a_terminal(demo: list[str], tmp_path: Path) -> None:
    begin = time.monotonic()
    done = edge(*demo, "--exam", "--svg", tmp_path / "view.svg")
    assert time.monotonic() - begin < 60  # the pauses alone would be 70
    assert done.returncode == 0, done.stderr
    rows = json.loads(edge("results", "--json", "--data", tmp_path / "data").stdout)
    assert len({row["sop_instance_uid"] for row in rows}) == len(REAL_FILES) + 9
    assert len(re.findall(r"\.dcm +(real|synthetic) ", done.stdout)) == len(rows)
    drawn = (tmp_path / "view.svg").read_text()
    highest = max(row["risk"] for row in rows if row["risk"] is not None)
    assert f"{100 * highest:.0f}&#160;%" in drawn or "&gt;99&#160;%" in drawn
    entered = {
        (row["state"], row["side"], row["lesion"])
        for row in rows
        if row["study_instance_uid"] == _study(rows)
    }
    assert {entry[1:] for entry in entered} == {("right", 1), ("left", 2), (None, None)}
    assert {entry[0] for entry in entered if entry[1] is None} == {"not_scored"}  # the spectrum
    assert re.search("Side:&#160;(right|left)&#160;·&#160;Lesion:&#160;[12]", drawn)
    assert "5-right-spectrum.dcm" in done.stdout and "6-right-sweep-cine.dcm" in done.stdout


def _study(rows: list[dict[str, Any]]) -> str:
    """The exam's: that of the newest image."""
    return str(max(rows, key=lambda row: row["received_at"])["study_instance_uid"])


def test_an_exam_can_be_played_faster_in_a_terminal(demo: list[str]) -> None:
    with in_terminal(*demo, "--exam", "--speed", "50", width=100, height=30) as terminal:
        terminal.wait_for("14 images")
        terminal.wait_for("Synthetic Exam")
        terminal.type(b"\x03")
        assert terminal.end() == 0


@pytest.mark.parametrize("speed", ["0", "-1", "inf", "nan", "fast"])
def test_a_speed_is_a_number_above_zero(speed: str) -> None:
    done = edge("demo", "--speed", speed)
    assert done.returncode == 1
    assert "--speed" in done.stderr and "Traceback" not in done.stderr


def test_never_pushes_its_images_into_an_agent_that_runs_already(agent: RunningAgent) -> None:
    done = edge("demo", "--data", agent.data)
    assert done.returncode == 1 and "another agent uses the data folder" in done.stderr
    assert agent.results() == []


def test_what_the_demo_writes_is_for_its_user_alone(demo: list[str], tmp_path: Path) -> None:
    done = edge(*demo)
    assert done.returncode == 0, done.stderr
    data = tmp_path / "data"
    assert not any(path.stat().st_mode & 0o077 for path in (data, *data.iterdir()))


def test_starts_nothing_where_its_table_can_t_be_printed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "edge.cli", "demo", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "lacks the view's signs" in done.stderr
    assert not (tmp_path / "data").exists()


def test_the_table_judges_no_risk_by_another_model_s_threshold(tmp_path: Path) -> None:
    own, other = (
        row(1, risk=0.4),
        row(2, risk=0.4, bundle_digest="f" * 64, model="former 2", above_threshold=False),
    )
    files = [DemoFile(tmp_path / f"{n}.dcm", "real", f"1.2.{n}", 0) for n in (1, 2)]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(final_table(view(own, other), files))
    first, second = capture.get().splitlines()[1:]
    assert "▲ above the threshold  40 %" in first
    assert "? other model  former 2 ffffffffffff: 40 %, below its threshold" in second
    assert "▲" not in second and "above" not in second
