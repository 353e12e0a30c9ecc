"""A file that takes its process down is named; no other is lost, and no process is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainer.prepare.pool import run_all


def crash_on_threes(number: int) -> int:
    if number % 3 == 0:
        os.abort()
    return number * number


def fail_on_two(number: int) -> int:
    if number == 2:
        raise ValueError("a fault of the program")
    return number


def test_jobs_that_crash_are_named_and_the_others_done() -> None:
    found = dict(run_all(crash_on_threes, range(1, 8), 2))
    assert found == {n: None if n % 3 == 0 else n * n for n in range(1, 8)}


def test_a_fault_of_the_program_is_not_taken_for_a_bad_file() -> None:
    with pytest.raises(ValueError, match="a fault of the program"):
        list(run_all(fail_on_two, range(1, 4), 1))


SLEEPERS = """
import sys, time
from trainer.prepare.pool import run_all
from tests.trainer.prepare.test_pool import say_who
if __name__ == "__main__":
    list(run_all(say_who, [sys.argv[1]], 1))
"""


def say_who(path: str) -> None:
    Path(path).write_text(str(os.getpid()))
    time.sleep(120)


def test_the_processes_end_when_the_first_one_is_killed(tmp_path: Path) -> None:
    program, who = tmp_path / "program.py", tmp_path / "pid"
    program.write_text(SLEEPERS)
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}  # the program imports this file
    process = subprocess.Popen([sys.executable, str(program), str(who)], env=here)
    give_up = time.monotonic() + 60
    while not (who.exists() and who.read_text()) and time.monotonic() < give_up:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    while alive(int(who.read_text())) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not alive(int(who.read_text()))


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
