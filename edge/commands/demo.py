"""`edge demo`: a real agent, real ultrasound files over a real association, and the live view of it."""

import argparse
import contextlib
import logging
import math
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.commands import options
from edge.commands.send import send_files
from edge.commands.watch import as_svg, first_contact, save, show
from edge.demo.agent import HOST, running_agent
from edge.demo.exam import write_exam
from edge.demo.examiner import Examiner
from edge.settings import Settings
from edge.view.agent.feed import follow
from edge.view.agent.messages import Row, SlideKey
from edge.view.agent.state import View
from edge.view.focus.focus import Focus
from edge.view.picture.detect import GRAPHICS, drawing
from edge.view.screen.health import about
from edge.view.screen.slides import cells_of
from edge.view.terminal import need_signs, stoppable
from scanside import RESEARCH_USE
from scanside.errors import ScansideError

REAL_FILES = (
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "examples_jpeg2k.dcm",
    "ExplVR_BigEnd.dcm",
)
SYNTHETIC_SCANS = 4
_PAUSE_S = 2.5  # between two images, so that a person sees each
_BEFORE_S = 1.5  # likewise, of the patients before the exam
_RESULTS_S = 180.0
_LOOK_S = 0.1  # how often it is seen whether something can be entered


@dataclass(frozen=True)
class DemoFile:
    """One file to push.

    Attributes:
        kind: "real" or "synthetic".
        instance: its SOP Instance UID.
        pause_s: until the next one is pushed, while a person watches.
    """

    path: Path
    kind: str
    instance: str
    pause_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="the agent's data folder (a temporary one)")
    parser.add_argument("--exam", action="store_true", help="push a whole synthetic examination, at its pace")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="N", help="N times as fast (1)")
    parser.add_argument("--graphics", choices=GRAPHICS, default="auto", help="how pictures are drawn (auto)")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so many seconds (at Ctrl-C)")
    parser.add_argument(
        "--svg", type=Path, metavar="FILE", help="save the slide of the highest risk, as shown"
    )
    options.add_bundle(parser)


def main(args: argparse.Namespace) -> int:
    console = Console()
    need_signs(console.encoding)
    watched = console.is_terminal
    options.bundle(args, Settings(bundle=args.bundle))  # an agent would start without one, and show nothing
    bundle = ["--bundle", str(args.bundle)] if args.bundle else []
    bundle += ["--allow-test-bundle"] if args.allow_test_bundle else []
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # the sender tells what went wrong
    with stoppable(), _folder(args.data) as data, _folder(None) as scans:
        files = demo_files(scans, args.exam)
        console.print(f"{RESEARCH_USE} An agent starts, then gets {len(files)} images.")
        with running_agent(data, bundle) as port:
            examiner = Examiner(data) if args.exam else None
            sender = Sender(files, port, args.speed if watched else None, examiner)
            with sender:
                if watched:
                    with contextlib.suppress(KeyboardInterrupt), drawing(console, args.graphics):
                        show(data, console, args.seconds)
                    view = first_contact(data)
                else:
                    view = _finished(data, files, sender, args.seconds or _RESULTS_S)
            if args.svg:
                focus = Focus(slide=_highest(view))
                save(args.svg, as_svg(first_contact(data, focus), focus=focus))
    console.print(final_table(view, files))
    console.print(about(view.model))
    if problem := _problem(view, files, sender, seen_by_a_person=watched):
        raise ScansideError(problem)
    return 0


def demo_files(folder: Path, exam: bool = False) -> list[DemoFile]:
    """The real ultrasound files of pydicom's wheel, then synthetic scans written into `folder`.

    Args:
        exam: a whole examination with the pauses of one, not its first scans.
    """
    found = [get_testdata_file(name, download=False) for name in REAL_FILES]
    files = [(Path(str(path)), "real", _BEFORE_S if exam else _PAUSE_S) for path in found if path]
    for path, pause_s in write_exam(folder, None if exam else SYNTHETIC_SCANS):
        files.append((path, "synthetic", pause_s if exam else _PAUSE_S))
    return [DemoFile(path, kind, _instance(path), pause_s) for path, kind, pause_s in files]


def _instance(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed < math.inf:
        raise ValueError
    return speed


class Sender(threading.Thread):
    """Pushes files one after the other while the view is shown.

    Args:
        speed: that many times as fast as the files' pauses say; None: without any.
        examiner: enters side and lesion of the synthetic slides; then it ends when all is entered.

    Attributes:
        problems: what was not accepted, one sentence each.
    """

    def __init__(
        self, files: list[DemoFile], port: int, speed: float | None, examiner: Examiner | None = None
    ) -> None:
        super().__init__(name="demo sender", daemon=True)
        self._files, self._port, self._speed, self._examiner = files, port, speed, examiner
        self._stopped = threading.Event()
        self.problems: list[str] = []

    def run(self) -> None:
        for file in self._files:
            try:
                problem = next(send_files([file.path], HOST, self._port)).problem
            except ScansideError as error:
                problem = str(error)
            if problem:
                self.problems.append(f"{file.path.name} was not accepted: {problem}")
            if self._examiner and file.kind == "synthetic" and not problem:
                self._examiner.sent(file.path)
            if not self._goes_on(file.pause_s / self._speed if self._speed else 0):
                return
        while self._examiner and not self._examiner.done and self._goes_on(_LOOK_S):
            pass

    def _goes_on(self, after_s: float) -> bool:
        """Wait, and enter meanwhile what has its result; False when it is to stop."""
        end = time.monotonic() + after_s
        while True:
            if self._examiner:
                self._examiner.enter()
            left_s = max(0.0, end - time.monotonic())
            if self._stopped.wait(min(_LOOK_S, left_s)):
                return False
            if left_s <= _LOOK_S:
                return True

    def __enter__(self) -> "Sender":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self.join()


def final_table(view: View, files: list[DemoFile]) -> Table:
    """Every frame of every file: its result, or why there is none."""
    table = Table(box=None, pad_edge=False)
    table.add_column("File", no_wrap=True)
    table.add_column("")
    table.add_column("Frame", justify="right")
    table.add_column("Latency", justify="right")
    table.add_column("Result")
    for file, rows in _rows(view, files).items():
        for row in rows:
            assert view.model is not None  # a snapshot has both
            frame, result, risk, latency, note = cells_of(row, view.model)
            whole = Text("  ").join(part for part in (result, risk, note) if part.plain)
            table.add_row(Text(file.path.name), file.kind, frame, latency, whole)
        if not rows:
            table.add_row(Text(file.path.name), file.kind, "", "", "not received")
    return table


def _rows(view: View, files: list[DemoFile]) -> Mapping[DemoFile, list[Row]]:
    return {
        file: sorted((row for row in view.rows if row.instance == file.instance), key=lambda row: row.frame)
        for file in files
    }


def _finished(data: Path, files: list[DemoFile], sender: Sender, seconds: float) -> View:
    """The view once every file that was sent has its results, or as it is after `seconds`."""
    end = time.monotonic() + seconds
    for view in follow(data):
        complete = all(rows for rows in _rows(view, files).values()) or bool(sender.problems)
        waiting = sender.is_alive() or any(row.pending for row in view.rows)
        if (view.in_contact and complete and not waiting) or time.monotonic() > end:
            return view
    raise AssertionError("a feed never ends")


def _highest(view: View) -> SlideKey | None:
    """The slide of the highest risk; None when there is none: the newest is shown."""
    scored = [row for row in view.rows if row.risks]
    return max(scored, key=lambda row: max(row.risks)).key if scored else None


def _problem(view: View, files: list[DemoFile], sender: Sender, seen_by_a_person: bool) -> str | None:
    """What went wrong, if anything did; a person may close the view before all is sent and scored."""
    rows = [row for found in _rows(view, files).values() for row in found]
    if sender.problems:
        return sender.problems[0]
    failed = [row.reason for row in rows if row.state == "failed"]
    if failed:
        return f"{len(failed)} of {len(rows)} frames failed: {failed[0]}"
    if seen_by_a_person:
        return None
    if any(row.pending for row in rows) or not all(_rows(view, files).values()):
        return "the results did not come in time. Give it longer with --seconds."
    if not any(row.risks for row in rows):
        return "nothing was scored: no image is of an ovary and like the model's training data."
    return None


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="edge-demo-") as folder:
        yield Path(folder)
