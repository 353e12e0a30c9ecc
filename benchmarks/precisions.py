"""Every precision of a model: is it still the same model, and how fast is it here?

    python -m benchmarks.precisions --data mmotu=DIR --out OUT                      # the installed model
    python -m benchmarks.precisions --checkpoint FILE --data mmotu=DIR --out OUT    # a checkpoint, and torch

Does what `export-model quantise` does, FP16 and then INT8, and prints both tables of docs/runtimes.md: what
each network changes on held-out scans, accepted or not, and its time beside FP32's and torch's, in one run.
"""

import argparse
import os
from functools import partial
from pathlib import Path

import torch

from benchmarks.runtimes import TORCH, Run, measure, report
from export.candidate import Candidate
from export.convert import convert
from export.quantise import NonePassed, quantise
from export.scans import mmotu_parts
from export.to_onnx import Probabilities
from scanside.assess.golden import golden_inputs
from scanside.model.bundle import DEFAULT_BUNDLE, NETWORK, Bundle, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from trainer.models import checkpoint as checkpoints

_COLUMNS = (
    "network", "nodes in FP32", "risk p99", "risk, largest", "IoU", "AUC", "calls changed", "beyond .02",
    "gate changed", "distance p99", "accepted",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("bundle", type=Path, nargs="?", default=DEFAULT_BUNDLE, help="the installed model")
    parser.add_argument("--checkpoint", type=Path, help="export this one instead, and time torch on it")
    parser.add_argument("--data", required=True, metavar="mmotu=DIR", help="a copy of MMOTU's 2D set")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bundles that are made")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every runtime (all cores)")
    args = parser.parse_args()
    source: Path = args.bundle
    if args.checkpoint:
        source = args.out / "float32"
        convert(args.checkpoint, source)
    bundle, candidates = load_bundle(source), []
    parts = mmotu_parts(Path(args.data.removeprefix("mmotu=")), bundle)
    for precision in ("float16", "int8"):
        try:
            candidates += quantise(source, lambda _: parts, precision, args.out / precision)
            source = args.out / precision
        except NonePassed as error:
            print(error)
            candidates += error.candidates
    print_table(bundle, candidates)
    times = measure(runs(bundle, candidates, args.checkpoint, args.threads), args.rounds)
    size = bundle.manifest.input_size
    what = f"{bundle.manifest.name}, {size.height} x {size.width}, batch 1"
    report(f"{what}, {args.threads} threads, {args.rounds} rounds", times)


def print_table(bundle: Bundle, candidates: list[Candidate]) -> None:
    """In Markdown."""
    print(f"{bundle.manifest.name}, bundle {bundle.digest[:12]}; {candidates[0].report.measured_on}")
    print(f"| {' | '.join(_COLUMNS)} |")
    print("|---" * len(_COLUMNS) + "|")
    for candidate in candidates:
        f, also = candidate.report.figures, candidate.report.also
        beyond = ", ".join(candidate.report.beyond)
        cells = (
            f"{candidate.report.precision}, {candidate.runtime}", len(candidate.kept),
            f"{f['risk_p99']:.4f}", f"{f['risk_max']:.4f}",
            *(f"{also[f'{name}_float32']:.4f} to {also[name]:.4f}" for name in ("iou", "auc")),
            f"{also['all_flips']:.0f}", f"{f['flips_beyond']:.0f}", f"{also['all_scored_flips']:.0f}",
            f"{f['distance_p99']:.1%}", f"no: {beyond}" if beyond else "yes",
        )  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |")


def runs(
    bundle: Bundle, candidates: list[Candidate], checkpoint: Path | None, threads: int
) -> dict[str, Run]:
    """What this machine can run, on one golden scan."""
    one = {name: array[:1] for name, array in golden_inputs(bundle).items()}
    graphs = {"float32": bundle.files[NETWORK]}
    graphs |= {c.report.precision: c.graph for c in candidates if c.runtime == "onnxruntime"}
    ready = {name: OnnxRuntime(graph, threads) for name, graph in graphs.items()}
    ways: dict[str, Run] = {f"ONNX Runtime, {name}": partial(r.run, one) for name, r in ready.items()}
    if checkpoint is None:
        return ways
    torch.set_num_threads(threads)
    eager, scan = Probabilities(checkpoints.load(checkpoint).network()).eval(), torch.from_numpy(one["scan"])

    @torch.inference_mode()
    def run_eager() -> object:
        return eager(scan)

    return {TORCH: run_eager, **ways}


if __name__ == "__main__":
    main()
