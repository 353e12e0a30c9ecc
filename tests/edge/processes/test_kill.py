"""Kills and power cuts at random moments lose nothing: short runs of the benchmarks of these names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.outside import needs_tools

ROOT = Path(__file__).parents[3]
KILL = ROOT / "benchmarks" / "kill.py"


@pytest.mark.slow
@needs_tools("storescu")
@pytest.mark.skipif(not KILL.exists(), reason="not a checkout: there are no benchmarks")
def test_every_acknowledged_image_has_one_result() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kill", "--kills", "12", "--minutes", "5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"acknowledged and lost +0$", done.stdout, re.MULTILINE)
    assert re.search(r"one sent again, acknowledged +\d+, [1-9]", done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not KILL.exists(), reason="not a checkout: there are no benchmarks")
def test_what_was_acknowledged_outlasts_power_cuts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.power_cut", "--cuts", "4", "--minutes", "5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip(done.stdout.strip().removeprefix("skipped: "))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^lost entries +0$", done.stdout, re.MULTILINE)
