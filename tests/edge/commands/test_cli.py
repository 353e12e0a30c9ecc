"""The command line: instant help; exit codes; a message in place of a traceback."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.cli import COMMANDS, build_parser, main
from edge.storage.spool import Spooled
from edge.storage.store import NAME, Store
from tests.edge.running import edge
from tests.outside import require_tool

HELP_S = 0.5


def test_help_is_instant() -> None:
    """Best of five whole processes: what else the machine does is not what is measured."""
    times = []
    for _ in range(5):
        start = time.monotonic()
        done = edge("--help")
        times.append(time.monotonic() - start)
        assert done.returncode == 0 and all(command in done.stdout for command in COMMANDS)
    assert min(times) < HELP_S


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom edge.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'cv2', 'pydicom', 'pynetdicom', 'onnxruntime', 'rich', 'torch'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert "Research use only" in " ".join(capsys.readouterr().out.split())


def test_the_whole_parser_knows_every_option() -> None:
    args = build_parser().parse_args(["serve", "--port", "1", "--data", "d", "--ae-title", "T"])
    assert (args.command, args.port, args.data, args.ae_title) == ("serve", 1, Path("d"), "T")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["fly"], "fly"),
        (["serve", "--port", "many"], "--port"),
        (["serve", "--colour"], "--colour"),
        (["serve", "--port", "70000"], "option --port: port is 70000"),
        (["serve", "--ae-title", "A TITLE THAT IS TOO LONG"], "is no AE title"),
        (["serve", "--config", "nowhere.toml"], "nowhere.toml can't be read"),
        (["assess"], "FILE"),
        (["send", "x.dcm", "--port", "0"], "port 0"),
    ],
)
def test_a_wrong_command_line_is_a_wrong_input(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = edge(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("edge: ") and message in done.stderr and "Traceback" not in done.stderr


def test_a_fault_of_the_program_is_one_line_and_a_log(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(store / NAME) as db:
        db.execute(
            "UPDATE frames SET row = json_set(row, '$.received_at', 'yesterday')"
        )  # no version writes it
    monkeypatch.setenv("TMPDIR", str(store))
    done = edge("results", "--data", store)
    assert done.returncode == 2
    assert done.stderr.startswith("edge: ") and "ValueError" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (log,) = store.glob("*.log")
    assert str(log) in done.stderr and "Traceback" in log.read_text()
    assert "Traceback" in edge("--debug", "results", "--data", store).stderr


def test_a_reader_of_the_output_may_leave(store: Path) -> None:
    command = f"{sys.executable} -m edge.cli results --json --data {store} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run([require_tool("bash"), "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A data folder with an index of 500 instances, none of them assessed."""
    index = Store(tmp_path)
    for number in range(500):
        index.add(Spooled(f"{number}.dcm", f"1.2.{number}", "2026-01-01T00:00:00.000000+00:00"))
    index.close()
    return tmp_path


def test_options_of_enter_stand_before_or_after_what() -> None:
    parser = build_parser("enter")
    shared = ["--study", "1.2", "--data", "kept", "--json", "--by", "Dr. Who"]
    thing = ["side", "1.2.3", "left"]
    before, after = (
        parser.parse_args(["enter", *shared, *thing]),
        parser.parse_args(["enter", *thing, *shared]),
    )
    between = parser.parse_args(["enter", *shared[:2], "side", *shared[2:], "1.2.3", "--frame", "1", "left"])
    assert vars(before) == vars(after) == vars(between)
    assert (after.study, after.json, after.by, after.config, after.value) == (
        "1.2",
        True,
        "Dr. Who",
        None,
        "left",
    )


def test_enter_without_a_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enter", "side", "1.2.3", "left"]) == 1
    assert "--study UID is missing" in capsys.readouterr().err
