"""`edge tune`: measure how the model runs fastest on this machine, and keep it for `edge serve`."""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.commands import options
from edge.processes.lock import refuse_to_write_as_root
from edge.scoring.tuning import save_tuning
from scanside import RESEARCH_USE
from scanside.assess.choose import open_network
from scanside.assess.golden import golden_inputs
from scanside.errors import BundleError, RunnerError, SettingError
from scanside.model.bundle import GOLDEN_DENOISER, Bundle
from scanside.runtime.options import CpuOptions
from scanside.runtime.preference import ONNXRUNTIME, RuntimeOptions
from scanside.runtime.protocol import Arrays

Times = NDArray[np.float64]  # ms, one per round
Run = Callable[[], object]
Make = Callable[[RuntimeOptions], Run]

_RESAMPLES = 1000
_REST_S = 0.05
_DEFAULT, _AGAIN = "default", "default, again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    options.add_bundle(parser)
    parser.add_argument("--rounds", type=int, default=60, metavar="N", help="times that each is run (60)")


def main(args: argparse.Namespace) -> int:
    if not 10 <= args.rounds <= 10_000:
        raise SettingError("--rounds must lie between 10 and 10000.")
    settings = options.settings(args)
    refuse_to_write_as_root(settings.data)
    bundle = options.bundle(args, settings)
    listed = tuple(name for name in settings.runtimes if name.partition(":")[0] == ONNXRUNTIME)
    if not listed:
        raise SettingError("runtimes lists none of the CPU: there is nothing to tune. Add onnxruntime to it.")
    default = replace(settings.runtime_options, runtimes=listed[:1])
    threads = [] if settings.network_threads else fewer_threads(os.cpu_count() or 1)
    found = tune(default, threads, _model(bundle), args.rounds)
    for step in found.steps:
        _show(step)
    kept = save_tuning(found.how, {step.what: step.summary() for step in found.steps}, settings, bundle)
    print(f"{kept}: {in_words(found.how)}. edge serve uses it on this machine, with this model.")
    return 0


@dataclass(frozen=True)
class Step:
    """One question, every answer to it measured side by side.

    Attributes:
        times: ms by candidate, round by round.
        best: the candidate that is surely faster than the default; the default where none is.
    """

    what: str
    times: Mapping[str, Times]
    best: str

    def summary(self) -> dict[str, Any]:
        return {
            "chosen": self.best,
            **{
                name: {f"p{p}_ms": round(float(np.percentile(t, p)), 3) for p in (50, 95)}
                for name, t in self.times.items()
            },
        }


@dataclass(frozen=True)
class Found:
    """How to run, and what was measured to know it."""

    how: RuntimeOptions
    steps: tuple[Step, ...]


def tune(default: RuntimeOptions, threads: Sequence[int], make: Make, rounds: int) -> Found:
    """The number of threads first, then all else with it.

    Args:
        threads: to choose from, beside that of `default`; none where a person has set it.
        make: the model in ONNX Runtime, told so, ready to run once.

    Raises:
        RunnerError: not even the default runs.
    """
    steps, chosen = [], default
    if threads:
        ways = {f"{n} thread{'s' * (n > 1)}": replace(default, threads=n) for n in threads}
        steps.append(_measure("threads", default, ways, make, rounds))
        chosen = ways.get(steps[-1].best, default)
    others = {
        "optimisation: extended": CpuOptions(optimisation="extended"),
        "optimisation: basic": CpuOptions(optimisation="basic"),
        "without an arena": CpuOptions(arena=False),
        "without spinning": CpuOptions(spinning=False),
    }
    candidates = {name: replace(chosen, cpu=option) for name, option in others.items()}
    steps.append(_measure("options", chosen, candidates, make, rounds))
    return Found(candidates.get(steps[-1].best, chosen), tuple(steps))


def fewer_threads(cores: int) -> list[int]:
    """1, 2, 4 ... below all cores, which is the default."""
    return [1 << power for power in range(cores.bit_length()) if 1 << power < cores]


def _model(bundle: Bundle) -> Make:
    """Denoiser and network of `bundle`, proven on its golden cases, on a scan of these."""
    inputs = _one(golden_inputs(bundle))
    annotated = _one(golden_inputs(bundle, GOLDEN_DENOISER)) if bundle.manifest.denoiser else {}

    def make(how: RuntimeOptions) -> Run:
        choice = open_network(bundle, how)

        def run() -> None:
            if choice.denoiser is not None:
                choice.denoiser.run(annotated)
            choice.runner.run(inputs)

        return run

    return make


def _measure(
    what: str, default: RuntimeOptions, candidates: Mapping[str, RuntimeOptions], make: Make, rounds: int
) -> Step:
    """Run all in each round, so that what else the machine does falls on each alike.

    In another order each time and after a rest: threads of the one before spin on for a while, and a scan
    comes to an agent that has nothing to do. The default runs twice, as two models: how far it is from itself
    is the noise.
    """
    ways = {_DEFAULT: default, _AGAIN: default, **candidates}
    runs = {}
    for name, how in ways.items():
        try:
            runs[name] = make(how)
        except (RunnerError, BundleError):
            if how is default:
                raise
            # a way that this machine can't go, or that gives other numbers, is none
    times: dict[str, list[float]] = {name: [] for name in runs}
    order, rng = list(runs), np.random.default_rng(0)
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            time.sleep(_REST_S)
            start = time.perf_counter()
            runs[name]()
            times[name].append(1e3 * (time.perf_counter() - start))
    measured = {name: np.array(values) for name, values in times.items()}
    return Step(what, measured, fastest(measured))


def _one(inputs: Arrays) -> Arrays:
    """A batch of one, as nearly every scan is."""
    return {name: array[:1] for name, array in inputs.items()}


def fastest(times: Mapping[str, Times]) -> str:
    """The candidate whose gain is larger than the noise, by p50, and no slower by p95; else the default."""
    default = times[_DEFAULT]
    noise = float(np.abs(_interval(default - times[_AGAIN])).max())
    sure = [
        name
        for name, mine in times.items()
        if name not in (_DEFAULT, _AGAIN)
        and _interval(default - mine)[0] > noise
        and np.percentile(mine, 95) <= np.percentile(default, 95)
    ]
    return min(sure, key=lambda name: float(np.median(times[name])), default=_DEFAULT)


def _interval(differences: Times) -> Times:
    """95 % interval of their median, by resampling the rounds."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(differences, (_RESAMPLES, len(differences)))
    return np.asarray(np.percentile(np.median(drawn, axis=1), (2.5, 97.5)))


def _show(step: Step) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(step.what, caption=RESEARCH_USE)
    for column in ("p50, ms", "p95, ms", ""):
        table.add_column(column, justify="right")
    for name, mine in step.times.items():
        mark = "chosen" if name == step.best else ""
        table.add_row(name, *(f"{np.percentile(mine, p):.1f}" for p in (50, 95)), mark)
    Console().print(table)


def in_words(how: RuntimeOptions) -> str:
    o = how.cpu
    parts = [f"threads {how.threads or 'all'}", f"optimisation {o.optimisation}"]
    switches = {"arena": o.arena, "spinning": o.spinning}
    parts += [f"{'with' if on else 'without'} {name}" for name, on in switches.items()]
    return ", ".join(parts)
