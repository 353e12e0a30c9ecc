"""`export-model verify`: does every runtime on this machine compute what the checkpoint computed?"""

import json
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path

from rich.console import Console
from rich.table import Table

from export.engine import source_graph
from scanside import RESEARCH_USE
from scanside.assess.golden import golden_differences, golden_limits, mean_differences
from scanside.errors import RunnerError, SettingError
from scanside.model.bundle import DENOISER, GOLDEN, GOLDEN_DENOISER, NETWORK, Bundle, load_bundle
from scanside.model.tensors import check_tensors
from scanside.runtime.engine import PRECISIONS, engines_of
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Runner
from scanside.runtime.tensorrt import open_tensorrt


@dataclass(frozen=True)
class Check:
    """One output of one runtime on the golden case.

    Attributes:
        difference: largest absolute difference to the source checkpoint; of a network's own golden case the
            mean; None where the runtime did not get as far.
        allowed: the bundle's tolerance for this precision.
        why: it did not; else empty.
    """

    runtime: str
    precision: str
    output: str
    difference: float | None
    allowed: float | None
    why: str = ""

    @property
    def passed(self) -> bool:
        return self.difference is not None and self.allowed is not None and self.difference <= self.allowed


def verify(folder: Path, checkpoint: Path | None = None, engines: Path | None = None) -> list[Check]:
    """Run the golden cases of the bundle in `folder` through every runtime present, in every precision.

    Args:
        checkpoint: the one that the bundle was made of, to compare with torch too.
        engines: a folder with TensorRT's engines of the bundle; each of them is run.

    Raises:
        InputError: no valid bundle, a network that is not what its manifest says, or no checkpoint.
        RunnerError: ONNX Runtime can't run it at all.
        SettingError: there are no engines of the bundle in the folder.
    """
    bundle = load_bundle(folder, allow_test_only=True)
    networks = [("float32", "onnxruntime"), *((v.precision, v.runtime) for v in bundle.manifest.variants)]
    checks = []
    for precision, runtime in networks:  # what is made for TensorRT, ONNX Runtime can compute too
        runner = OnnxRuntime(_graph(bundle, precision, runtime))
        name = runner.name + ("" if runtime == "onnxruntime" else f", the network made for {runtime}")
        check_tensors(runner.inputs, runner.outputs, bundle.manifest, f"the {precision} network")
        checks += _checks(bundle, runner, name, precision, runtime)
        checks += _own_checks(bundle, runner, f"{name}, its own case, mean", precision, runtime)
    if bundle.manifest.denoiser:
        runner = OnnxRuntime(bundle.files[DENOISER], what="the denoiser")
        checks += _checks(bundle, runner, f"{runner.name}, the denoiser", "float32", case=GOLDEN_DENOISER)
    if engines is not None:
        checks += _engine_checks(bundle, engines)
    if checkpoint is not None:
        try:
            from export.torch_runner import TorchRunner
        except ImportError as error:
            raise SettingError(
                f"--checkpoint needs {error.name}, which is missing: pip install 'scanside-export[convert]'."
            ) from error
        torch = TorchRunner(checkpoint)
        checks += _checks(bundle, torch, torch.name, "float32")
    return checks


def _checks(
    bundle: Bundle,
    runner: Runner,
    name: str,
    precision: str,
    runtime: str = "onnxruntime",
    case: str = GOLDEN,
) -> list[Check]:
    differences = golden_differences(bundle, runner, case)
    limits = golden_limits(bundle.manifest, differences, precision, runtime)
    return [Check(name, precision, output, found, limits[output]) for output, found in differences.items()]


def _graph(bundle: Bundle, precision: str, runtime: str) -> bytes:
    if runtime == "onnxruntime":
        return bundle.graph(precision)
    return source_graph(bundle, NETWORK, next(word for word, p in PRECISIONS.items() if p == precision))


def _own_checks(bundle: Bundle, runner: Runner, name: str, precision: str, runtime: str) -> list[Check]:
    """The golden case of its own, where a network in another precision has one."""
    variant = bundle.manifest.variant(precision, runtime)
    if variant is None or variant.golden is None:
        return []
    found, limits = mean_differences(bundle, runner, variant.golden.file), variant.golden.tolerance
    return [Check(name, precision, output, apart, limits.get(output)) for output, apart in found.items()]


def _engine_checks(bundle: Bundle, folder: Path) -> list[Check]:
    found = engines_of(folder, bundle.digest)
    if not found:
        raise SettingError(
            f"--engines: {folder} has no engine of this bundle. Build one: export-model engine BUNDLE "
            f"--precision fp16 --cache {folder}"
        )
    checks = []
    for engine in found:
        precision, is_denoiser = PRECISIONS[engine.precision], engine.graph == DENOISER
        what = ", the denoiser" if is_denoiser else ""
        try:
            runner = open_tensorrt(folder, bundle.digest, engine.graph, engine.precision)
            case = GOLDEN_DENOISER if is_denoiser else GOLDEN
            checks += _checks(bundle, runner, runner.name + what, precision, "tensorrt", case)
            if not is_denoiser:
                name = f"{runner.name}, its own case, mean"
                checks += _own_checks(bundle, runner, name, precision, "tensorrt")
        except RunnerError as error:  # one that was asked for and can't be run has not passed
            name = f"{engine.module} {engine.version}{what}"
            checks.append(Check(name, precision, "", None, None, str(error)))
    return checks


def print_table(checks: list[Check]) -> None:
    table = Table(title="Largest difference to the bundle's golden case", caption=RESEARCH_USE)
    table.add_column("runtime")
    table.add_column("precision")
    table.add_column("output", overflow="fold")  # names without an end are of no use
    for column in ("difference", "allowed", "result"):
        table.add_column(column, justify="right")
    for c in checks:
        result = "passed" if c.passed else "NOT RUN" if c.why else "FAILED"
        numbers = ("" if value is None else f"{value:.1e}" for value in (c.difference, c.allowed))
        table.add_row(c.runtime, c.precision, c.output, *numbers, result)
    Console().print(table)
    for c in checks:
        if c.why:
            print(f"{c.runtime} in {c.precision} was not run: {c.why}")


def print_json(checks: list[Check]) -> None:
    """JSON has no word for what is no number: such a difference is null, and has not passed."""
    rows = [{**asdict(c), "passed": c.passed} for c in checks]
    for row, c in zip(rows, checks, strict=True):
        if c.difference is not None and not isfinite(c.difference):
            row["difference"] = None
    print(json.dumps(rows, indent=2))
