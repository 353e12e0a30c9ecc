"""Latency against throughput: larger batches, and sessions side by side, on one machine.

    python -m benchmarks.throughput --picture docs/throughput.png
    python -m benchmarks.throughput --runtime tensorrt:fp16 --engines edge-data/engines

A session is a runner of its own in a thread of its own that always has a scan to run; on the CPU the cores
are shared among the sessions. The settings take turns, so that what else the machine does falls on all alike.
"""

import argparse
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from scanside.assess.choose import open_network
from scanside.model.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from scanside.runtime.preference import ONNXRUNTIME, RUNTIMES, RuntimeOptions
from scanside.runtime.protocol import Arrays, Runner

ROUNDS = 4


@dataclass(frozen=True)
class Point:
    """One setting, measured.

    Attributes:
        p50_ms, p95_ms: from a batch handed over to its result.
        scans_per_s: of all sessions together.
        cpu_ms: processor time that a scan took, all cores together; other programs do not lengthen it much.
    """

    sessions: int
    batch: int
    p50_ms: float
    p95_ms: float
    scans_per_s: float
    cpu_ms: float


def main() -> None:
    args = _arguments()
    bundle = load_bundle(args.bundle, allow_test_only=True)
    shapes = [(1, batch) for batch in args.batches]
    shapes += [(sessions, 1) for sessions in args.sessions if sessions > 1]
    settings = [
        Setting(_runners(args, bundle, sessions), _inputs(bundle, batch)) for sessions, batch in shapes
    ]
    for _ in range(ROUNDS):
        for setting in settings:
            setting.measure(args.seconds / ROUNDS)
    points = [setting.point() for setting in settings]
    size, name = bundle.manifest.input_size, settings[0].runners[0].name
    title = f"{bundle.manifest.name}, {size.height} x {size.width} px\n{name}, {os.cpu_count()} cores"
    title += f", {args.note}" if args.note else ""
    _print(points, title)
    if args.picture:
        _draw(points, title, args.picture)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="model (the installed one)")
    parser.add_argument("--runtime", choices=RUNTIMES, default=ONNXRUNTIME)
    parser.add_argument("--engines", type=Path, default=Path("engines"), help="folder of TensorRT's engines")
    parser.add_argument("--threads", type=int, default=0, help="cores of a session (all, shared)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=6.0, help="for each setting (6)")
    parser.add_argument("--note", help="what to know of the machine, for the title")
    parser.add_argument("--picture", type=Path, help="PNG to draw")
    return parser.parse_args()


def _runners(args: argparse.Namespace, bundle: Bundle, sessions: int) -> list[Runner]:
    """Speed is what is measured here; `export-model verify` says whether the results are right."""
    threads = args.threads or max(1, (os.cpu_count() or 1) // sessions)
    options = RuntimeOptions((args.runtime,), threads, args.engines)
    return [open_network(bundle, options, prove=False).runner for _ in range(sessions)]


def _inputs(bundle: Bundle, batch: int) -> dict[str, np.ndarray]:
    rng, manifest = np.random.default_rng(0), bundle.manifest
    inputs = {"scan": rng.random((batch, 1, *manifest.input_size), np.float32)}
    if manifest.clinical_inputs:
        inputs["clinical"] = rng.random((batch, len(manifest.clinical_inputs)), np.float32).round()
    return inputs


class Setting:
    """A number of sessions and a batch size, and what was measured of it."""

    def __init__(self, runners: list[Runner], inputs: Arrays) -> None:
        self.runners, self._inputs = runners, inputs
        self._times_ms: list[float] = []
        self._seconds = self._cpu_seconds = 0.0
        for runner in runners:
            runner.run(inputs)  # sets up what the first run sets up

    def measure(self, seconds: float) -> None:
        """Run again and again on each runner at once, for `seconds`."""
        begin = threading.Barrier(len(self.runners) + 1)
        threads = [threading.Thread(target=self._session, args=(r, begin, seconds)) for r in self.runners]
        for thread in threads:
            thread.start()
        begin.wait()
        start, cpu_start = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.join()
        self._seconds += time.perf_counter() - start
        self._cpu_seconds += time.process_time() - cpu_start

    def _session(self, runner: Runner, begin: threading.Barrier, seconds: float) -> None:
        begin.wait()
        end, ran = time.perf_counter() + seconds, False
        while (start := time.perf_counter()) < end or not ran:
            runner.run(self._inputs)
            self._times_ms.append(1e3 * (time.perf_counter() - start))
            ran = True

    def point(self) -> Point:
        batch = len(self._inputs["scan"])
        p50, p95 = np.percentile(self._times_ms, (50, 95))
        scans = batch * len(self._times_ms)
        cpu_ms = 1e3 * self._cpu_seconds / scans
        return Point(len(self.runners), batch, float(p50), float(p95), scans / self._seconds, cpu_ms)


def _print(points: list[Point], title: str) -> None:
    table = Table("sessions", "batch", "p50 ms", "p95 ms", "scans/s", "CPU ms a scan", title=title)
    for p in points:
        times = (f"{p.p50_ms:.0f}", f"{p.p95_ms:.0f}", f"{p.scans_per_s:.1f}", f"{p.cpu_ms:.0f}")
        table.add_row(str(p.sessions), str(p.batch), *times)
    Console().print(table)


def _draw(points: list[Point], title: str, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import LogLocator

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    lines = {
        "larger batches, one session": ([p for p in points if p.sessions == 1], "batch", "o-", "C0"),
        "more sessions, batch 1": ([p for p in points if p.batch == 1], "sessions", "s--", "C1"),
    }
    for label, (chosen, counted, style, colour) in lines.items():
        chosen = sorted(chosen, key=lambda p: (p.batch, p.sessions))
        x, y = [p.scans_per_s for p in chosen], [p.p50_ms for p in chosen]
        axes.plot(x, y, style, color=colour, label=f"{label} (median; bar: 95th percentile)")
        above = [p.p95_ms - p.p50_ms for p in chosen]
        axes.errorbar(x, y, yerr=[[0] * len(y), above], fmt="none", color=colour, capsize=3)
        for p in chosen:
            text = f"{getattr(p, counted)}"
            offset = (-12, 6) if counted == "batch" else (8, -12)
            axes.annotate(text, (p.scans_per_s, p.p50_ms), offset, textcoords="offset points", color=colour)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set(xlabel="scans per second, all sessions", ylabel="milliseconds from batch to result")
    axes.set_xlim(left=0)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
