"""`export-model verify`: does every runtime on this machine compute what the checkpoint computed?"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scanside import RESEARCH_USE
from scanside.bundle import DENOISER, GOLDEN, GOLDEN_DENOISER, Bundle, load_bundle
from scanside.errors import SettingError
from scanside.golden import golden_differences, golden_limits
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Runner
from scanside.tensors import check_tensors


@dataclass(frozen=True)
class Check:
    """One output of one runtime on the golden case.

    Attributes:
        difference: largest absolute difference to the source checkpoint.
        allowed: the bundle's tolerance for this precision.
    """

    runtime: str
    precision: str
    output: str
    difference: float
    allowed: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.allowed


def verify(folder: Path, checkpoint: Path | None = None) -> list[Check]:
    """Run the golden case of the bundle in `folder` through every runtime present, in every precision.

    Args:
        checkpoint: the one that the bundle was made of, to compare with torch too.

    Raises:
        InputError: no valid bundle, a network that is not what its manifest says, or no checkpoint.
        RunnerError: a runtime can't run it at all.
    """
    bundle = load_bundle(folder, allow_test_only=True)
    networks = [("float32", "onnxruntime"), *((v.precision, v.runtime) for v in bundle.manifest.variants)]
    checks = []
    for precision, runtime in networks:  # what is made for TensorRT, ONNX Runtime can compute too
        runner = OnnxRuntime(bundle.graph(precision, runtime))
        made_for = "" if runtime == "onnxruntime" else f", the network made for {runtime}"
        check_tensors(runner.inputs, runner.outputs, bundle.manifest, f"the {precision} network")
        checks += _checks(bundle, runner, f"{runner.name}{made_for}", precision, runtime)
    if bundle.manifest.denoiser:
        runner = OnnxRuntime(bundle.files[DENOISER])
        checks += _checks(bundle, runner, f"{runner.name}, the denoiser", "float32", case=GOLDEN_DENOISER)
    if checkpoint is not None:
        try:
            from export.torch_runner import TorchRunner
        except ImportError as error:
            raise SettingError(
                f"--checkpoint needs {error.name}, which is missing: pip install 'scanside[train,export]'."
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


def print_table(checks: list[Check]) -> None:
    table = Table(title="Largest difference to the bundle's golden case", caption=RESEARCH_USE)
    for column in ("runtime", "precision", "output"):
        table.add_column(column)
    for column in ("difference", "allowed", "result"):
        table.add_column(column, justify="right")
    for c in checks:
        result = "passed" if c.passed else "FAILED"
        table.add_row(c.runtime, c.precision, c.output, f"{c.difference:.1e}", f"{c.allowed:.1e}", result)
    Console().print(table)


def print_json(checks: list[Check]) -> None:
    print(json.dumps([{**asdict(c), "passed": c.passed} for c in checks], indent=2))
