"""`edge init` makes the scanner known: by options, and by asking where somebody can answer."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from edge.network.access import Access
from edge.scanners import THIS_MACHINE, Scanner
from edge.settings import Settings, load
from tests.edge.running import PATIENCE_S, edge


def test_without_a_scanner_only_this_machine_sends(tmp_path: Path) -> None:
    done = edge("init", tmp_path / "edge.toml")
    assert done.returncode == 0 and "Only this machine may send" in done.stdout
    settings = load(tmp_path / "edge.toml", {})
    assert settings == Settings() and not Access(settings).knows("10.1.2.3")


def test_a_scanner_by_options(tmp_path: Path) -> None:
    options = ("--scanner-address", "10.1.2.3", "--scanner-ae-title", "US1")
    assert edge("init", tmp_path / "edge.toml", *options).returncode == 0
    settings = load(tmp_path / "edge.toml", {})
    assert settings.host == "0.0.0.0"
    assert settings.scanners == (Scanner("US1", ("10.1.2.3",), "US1", 24.0), THIS_MACHINE)
    access = Access(settings)
    assert access.knows("10.1.2.3") and access.knows("127.0.0.1") and not access.knows("10.1.2.4")
    assert edge("init", tmp_path / "other.toml", *options, "--host", "127.0.0.1").returncode == 0
    assert load(tmp_path / "other.toml", {}).host == "127.0.0.1"


def test_a_title_with_a_quote_is_written_as_toml(tmp_path: Path) -> None:
    options = ("--scanner-address", "10.1.2.3", "--scanner-ae-title", 'US"1')
    assert edge("init", tmp_path / "edge.toml", *options).returncode == 0
    assert load(tmp_path / "edge.toml", {}).scanners[0].ae_title == 'US"1'


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scanner-address", "10.1.2.300"), "'10.1.2.300' is neither"),
        (("--scanner-address", "10.1.2.3", "--scanner-ae-title", "MORE THAN 16 LETTERS"), "is no AE title"),
        (("--scanner-ae-title", "US1"), "needs its address"),
        (("--scanner-address", "10.1.2.3", "--scanner-name", "this machine"), "two scanners are called"),
        (("--host", "0.0.0.0"), "knows nobody there"),
    ],
)
def test_what_would_not_work_is_not_written(options: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = edge("init", tmp_path / "edge.toml", *options)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "edge.toml").exists()


@pytest.mark.parametrize(
    ("answers", "scanners"),
    [
        ("10.9.8.7\nUS2\nroom 2\n", (Scanner("room 2", ("10.9.8.7",), "US2", 24.0), THIS_MACHINE)),
        ("10.9.8.7\n\n\n", (Scanner("10.9.8.7", ("10.9.8.7",), "", 24.0), THIS_MACHINE)),
        ("\n", Settings.scanners),
        ("\x04", Settings.scanners),  # Ctrl-D
    ],
)
def test_a_terminal_is_asked(answers: str, scanners: tuple[Scanner, ...], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "edge.cli", "init", str(tmp_path / "edge.toml")]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.close(theirs)
    os.write(ours, answers.encode())
    output, _ = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert process.returncode == 0, output
    settings = load(tmp_path / "edge.toml", {})
    assert settings.scanners == scanners


def test_an_agent_that_would_serve_nobody_does_not_start(tmp_path: Path, bundle: Path) -> None:
    options = ("--host", "0.0.0.0", "--port", "0", "--bundle", bundle, "--allow-test-bundle")
    done = edge("serve", *options, "--data", tmp_path / "data")
    assert done.returncode == 1 and "knows nobody there" in done.stderr and "edge init" in done.stderr
