"""What the live view costs and how soon it shows a result: a real agent, a real `edge watch` in a terminal.

    python -m benchmarks.view
    python -m benchmarks.view --minutes 30 --graphics kitty --size 160x48

Three parts. Nothing happens. Images come at a steady rate to a model made for tests, so that the view is what
is busy: no result may be missed. Images come one at a time to the installed model: from the receipt of the
last byte to the last byte of the picture that the terminal is sent, beside the network's own time. The
processor's time is that of the view's process alone, in per cent of one core.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.uid import generate_uid
from pynetdicom import AE
from rich.console import Console
from rich.table import Table

from edge.demo.exam import write_exam
from edge.view.agent.feed import follow
from scanside.model.bundle import DEFAULT_BUNDLE
from tests.edge.running import RunningAgent, listen, wait_for
from tests.edge.view.terminal import Terminal, in_terminal
from tests.synth.bundle import make_bundle

MARKS = {"kitty": "\x1b_Ga=T", "iterm2": "\x1b]1337;File=", "sixel": "\x1bP0;1;0q", "blocks": "▀"}
IDLE_S, SETTLE_S, QUIET_S = 20.0, 4.0, 0.01
WARM_UP = 3
PER_STUDY = 20  # images, then the next patient comes
TICKS = os.sysconf("SC_CLK_TCK")


class Watched(threading.Thread):
    """Reads what the view writes, as a terminal does.

    Attributes:
        painted: when the last byte of each screen with a new picture came, seconds since the epoch.
        written: bytes so far.
    """

    def __init__(self, terminal: Terminal, mark: str) -> None:
        super().__init__(daemon=True)
        self._terminal, self._mark = terminal, mark
        self.pid = terminal.process.pid
        self.painted: list[float] = []
        self.written = 0
        self.ended = threading.Event()

    def run(self) -> None:
        screen, last = "", 0.0
        while not self.ended.is_set():
            if more := self._terminal.read(QUIET_S):
                screen, last = screen + more, time.time()
                self.written += len(more.encode())
                self._terminal.raw = ""
                continue
            if self._mark in screen:
                self.painted.append(last)
            screen = ""

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024

    def painted_after(self, moment: float) -> float | None:
        return next((at for at in list(self.painted) if at > moment), None)


class Results(threading.Thread):
    """The agent's rows that have ended, as they come, by instance; and those that a view's state held."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data = data
        self.rows: dict[str, dict[str, Any]] = {}
        self.in_a_view: set[str] = set()
        threading.Thread(target=self._follow, daemon=True).start()

    def run(self) -> None:
        for message in listen(self._data):
            rows = message.get("rows") or [message[key] for key in ("row",) if key in message]
            self.rows |= {row["sop_instance_uid"]: row for row in rows if row["state"] != "pending"}

    def _follow(self) -> None:
        for view in follow(self._data):
            self.in_a_view |= {row.instance for row in view.rows if not row.pending}


class Scanner:
    """Pushes an exam's slides over and over, each under UIDs of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self._slides = [pydicom.dcmread(path) for path, _ in write_exam(folder, count=4)]
        ae = AE("BENCHMARK")
        for dataset in self._slides:
            ae.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
        self.association = ae.associate("127.0.0.1", port, ae_title="SCANSIDE")
        self._sent = 0
        self._study = generate_uid()

    def send(self) -> str:
        """The SOP Instance UID of what was sent."""
        dataset = self._slides[self._sent % len(self._slides)]
        if self._sent % PER_STUDY == 0:
            self._study = generate_uid()
        dataset.StudyInstanceUID, dataset.PatientID = self._study, f"SYNTHETIC-{self._sent // PER_STUDY}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        answer = self.association.send_c_store(dataset)
        if answer.get("Status") != 0:
            raise SystemExit(f"image {self._sent + 1} was not taken: {answer}")
        self._sent += 1
        return str(dataset.SOPInstanceUID)


@contextmanager
def watched(args: argparse.Namespace, bundle: Path) -> Iterator[tuple[Watched, Results, Scanner]]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        agent = RunningAgent(Path(name) / "data", bundle)
        width, height = map(int, args.size.split("x"))
        command = ["watch", "--data", agent.data, "--graphics", args.graphics]
        try:
            results = Results(agent.data)
            results.start()
            with in_terminal(*command, width=width, height=height) as terminal:
                view = Watched(terminal, MARKS[args.graphics])
                view.start()
                yield view, results, Scanner(Path(name) / "exam", agent.port)
                view.ended.set()
                view.join()
        finally:
            agent.stop()


def one_at_a_time(args: argparse.Namespace, table: Table) -> None:
    latencies, views, networks, models = [], [], [], []
    with watched(args, DEFAULT_BUNDLE) as (view, results, scanner):
        for number in range(args.count + WARM_UP):
            uid = scanner.send()
            row = wait_for(lambda uid=uid: results.rows.get(uid), "a result")  # type: ignore[misc]
            received = datetime.fromisoformat(row["received_at"].replace("Z", "+00:00")).timestamp()
            stored = received + row["latency_ms"] / 1e3
            shown = wait_for(lambda at=stored: view.painted_after(at), "its picture", 30)  # type: ignore[misc]
            if number < WARM_UP:
                continue
            timings = row["timings_ms"]
            latencies.append(1e3 * (shown - received))
            views.append(1e3 * (shown - stored))
            networks.append(timings["network"])
            models.append(timings["network"] + timings.get("denoise", 0.0))
    over = np.subtract(latencies, networks)
    beyond = np.subtract(latencies, models)
    for name, values in (
        ("network", networks),
        ("network and denoiser", models),
        ("last byte to pixels", latencies),
        ("  of that, result stored to pixels", views),
        ("  less the network", over),
        ("  less network and denoiser", beyond),
    ):
        table.add_row(name, *(f"{np.percentile(values, p):.0f}" for p in (50, 95)), "ms")
    limit = np.percentile(networks, 95) + 150
    table.add_row("  aim: network's p95 + 150", "", f"{limit:.0f}", "ms")


def steadily(args: argparse.Namespace, bundle: Path, table: Table) -> None:
    with watched(args, bundle) as (view, results, scanner):
        sent = [scanner.send()]
        wait_for(lambda: view.painted, "a first picture", 30)
        time.sleep(SETTLE_S)
        table.add_row("idle view", _percent(view, IDLE_S), "", "% of a core")
        count = max(1, round(args.rate * 60 * args.minutes))
        begin, cpu, written = time.monotonic(), view.cpu_s(), view.written
        before, memory = len(view.painted), []
        for number in range(count):
            time.sleep(max(0.0, begin + number / args.rate - time.monotonic()))
            sent.append(scanner.send())
            if number % max(1, count // 10) == count // 10:
                memory.append(view.resident_mb())
        wait_for(lambda: set(sent) <= set(results.rows), "the last results")
        took = time.monotonic() - begin
        busy = 100 * (view.cpu_s() - cpu) / took
        time.sleep(SETTLE_S)
        memory.append(view.resident_mb())
        missed = set(sent) - results.in_a_view
        scanner.association.release()
    table.add_row(f"busy view, {count / took:.1f} images/s", f"{busy:.1f}", "", "% of a core")
    table.add_row("  written to the terminal", f"{(view.written - written) / took / 1024:.0f}", "", "KiB/s")
    table.add_row("  memory, first and last", f"{memory[0]:.1f}", f"{memory[-1]:.1f}", "MB")
    table.add_row("  results, missed", str(len(sent)), str(len(missed)), "")
    table.add_row("  pictures on the terminal", str(len(view.painted) - before), "", "")


def _percent(view: Watched, seconds: float) -> str:
    before, begin = view.cpu_s(), time.monotonic()
    time.sleep(seconds)
    return f"{100 * (view.cpu_s() - before) / (time.monotonic() - begin):.2f}"


def main() -> None:
    args = _arguments()
    title = f"edge watch, {args.size}, {args.graphics}; load average {os.getloadavg()[0]:.1f}"
    table = Table("", "p50 / value", "p95 / second", "", title=title, title_justify="left")
    with tempfile.TemporaryDirectory() as name:
        steadily(args, make_bundle(Path(name), clinical=False), table)
    if args.count:
        one_at_a_time(args, table)
    table.caption = f"load average at the end {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    Console().print(table)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", default="120x36", metavar="WxH", help="of the terminal (120x36)")
    parser.add_argument("--graphics", choices=tuple(MARKS), default="blocks", help="protocol (blocks)")
    parser.add_argument("--count", type=int, default=30, help="images one at a time (30); 0: none")
    parser.add_argument("--rate", type=float, default=2.0, help="images a second (2)")
    parser.add_argument("--minutes", type=float, default=0.5, help="so long at that rate (0.5)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
