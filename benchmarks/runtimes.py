"""The same network through torch, ONNX Runtime and OpenVINO, in turn, on this CPU: time per scan, batch 1.

    python -m benchmarks.runtimes                       # EfficientNet MTL, 336 x 544
    python -m benchmarks.runtimes --network unet --rounds 3
    python -m benchmarks.runtimes --start               # from a new process to the first result

Weights are random: speed does not hang on them, and INT8's accuracy is `export-model quantise`'s to report.
OpenVINO is a peer, not a runtime of scanside: pip install openvino. By default it computes in bfloat16 where
the CPU has it, so it is measured in float32 too; only that is equal precision. Milliseconds of processor time
stand beside those of the clock: on a machine that does other work they are the ones to compare.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from edge.commands.tune import fewer_threads, in_words, tune
from export.golden import golden_inputs
from export.int8 import calibrate, to_int8, widened
from export.to_onnx import Probabilities, to_onnx
from scanside.image import Size
from scanside.model.bundle import DEFAULT_BUNDLE
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.preference import RuntimeOptions
from scanside.runtime.protocol import Arrays
from trainer.models.build import build_network
from trainer.models.spec import NetworkSpec

Run = Callable[[], object]

TORCH = "torch eager, float32"
_START = """
from scanside.model.bundle import load_bundle
from scanside.assess.choose import open_network
from scanside.runtime.preference import RuntimeOptions
from scanside.assess.golden import golden_inputs
from pathlib import Path
import sys
bundle = load_bundle(Path(sys.argv[1]))
runner = open_network(bundle, RuntimeOptions()).runner
runner.run(golden_inputs(bundle))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--network", choices=["efficientnet", "unet"], default="efficientnet")
    parser.add_argument("--size", type=int, nargs=2, default=(336, 544), metavar=("H", "W"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every runtime (all cores)")
    parser.add_argument("--start", action="store_true", help="measure the start instead")
    args = parser.parse_args()
    if args.start:
        start(args.rounds)
        return
    size = Size(*args.size)
    runs = prepare(args.network, size, args.threads, args.rounds)
    what = f"{args.network} MTL, {size.height} x {size.width}, batch 1"
    report(f"{what}, {args.threads} threads, {args.rounds} rounds", measure(runs, args.rounds))


def tuned(graph: bytes, threads: int, one: Arrays, rounds: int) -> tuple[str, Run]:
    """The network as `edge tune` would have it run here, and what that is."""

    def make(how: RuntimeOptions) -> Run:
        runner = OnnxRuntime(graph, how.threads, how.cpu)
        return lambda: runner.run(one)

    how = tune(RuntimeOptions(threads=threads), fewer_threads(threads), make, rounds).how
    return in_words(how), make(how)


def prepare(encoder: str, size: Size, threads: int, rounds: int) -> dict[str, Run]:
    """Every way that this machine has to run the network, ready."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    network = build_network(NetworkSpec(encoder, "mtl", 8)).eval()  # type: ignore[arg-type]
    exported = to_onnx(network, size, 0)
    scans = golden_inputs(size, 0)["scan"]
    one = {"scan": scans[:1]}
    model = widened(exported)
    ranges = calibrate(model, [{"scan": scan[None]} for scan in scans])
    int8 = {
        runtime: to_int8(model, ranges, runtime).SerializeToString()
        for runtime in ("onnxruntime", "tensorrt")
    }
    eager, tensor = Probabilities(network).eval(), torch.from_numpy(one["scan"])

    @torch.inference_mode()
    def run_eager() -> object:
        return eager(tensor)

    ours, ours_int8 = OnnxRuntime(exported, threads), OnnxRuntime(int8["onnxruntime"], threads)
    how, ours_tuned = tuned(exported, threads, one, rounds)
    print(f"edge tune chose: {how}")
    runs: dict[str, Run] = {
        TORCH: run_eager,
        "scanside (ONNX Runtime), float32": lambda: ours.run(one),
        "scanside, float32, tuned": ours_tuned,
        "scanside (ONNX Runtime), int8": lambda: ours_int8.run(one),
    }
    try:
        import openvino
    except ImportError:
        print("OpenVINO is not installed: not compared.")
        return runs
    core = openvino.Core()

    def compiled(graph: bytes, **options: Any) -> Run:
        model = core.compile_model(
            core.read_model(graph), "CPU", {"INFERENCE_NUM_THREADS": threads, **options}
        )
        return lambda: model(one)

    float32 = {"INFERENCE_PRECISION_HINT": "f32"}
    return {
        **runs,
        "OpenVINO, float32": compiled(exported, **float32),
        "OpenVINO, its default": compiled(exported),
        "OpenVINO, int8, rest float32": compiled(int8["onnxruntime"], **float32),
        "OpenVINO, int8 of TensorRT, rest float32": compiled(int8["tensorrt"], **float32),
    }


def measure(runs: dict[str, Run], rounds: int) -> dict[str, np.ndarray]:
    """(rounds, 2) by way: ms of the clock, of the processor; in turn, so that load falls on each alike."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # the first is never like the others
    for _ in range(rounds):
        for name, run in runs.items():
            clock, processor = time.perf_counter(), time.process_time()
            run()
            times[name].append((1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor)))
    return {name: np.array(values) for name, values in times.items()}


def report(title: str, times: dict[str, np.ndarray]) -> None:
    table = Table("", title=title, caption=f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for column in ("clock p50, ms", "p95", "processor p50, ms", "first / this"):
        table.add_column(column, justify="right")
    base = np.median(next(iter(times.values()))[:, 1])
    for name, t in times.items():
        clock, processor = np.median(t, axis=0)
        p95 = np.percentile(t[:, 0], 95)
        table.add_row(name, f"{clock:.0f}", f"{p95:.0f}", f"{processor:.0f}", f"{base / processor:.2f}")
    Console(width=120).print(table)


def start(rounds: int) -> None:
    """Interpreter, imports, bundle, network, golden case, one result: all of a new process."""
    clocks, processors = [], []
    for _ in range(rounds):
        before, clock = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-c", _START, str(DEFAULT_BUNDLE)], check=True)
        after = os.times()
        clocks.append(time.perf_counter() - clock)
        used = (after.children_user - before.children_user, after.children_system - before.children_system)
        processors.append(sum(used))
    print(
        f"new process to first result: clock p50 {np.median(clocks):.2f} s, best {min(clocks):.2f} s; "
        f"processor p50 {np.median(processors):.2f} s; load average {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
