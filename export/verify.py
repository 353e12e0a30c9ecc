"""`export-model verify`: does every runtime on this machine compute what the checkpoint computed?"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scanside import RESEARCH_USE
from scanside.assess import golden_differences
from scanside.bundle import DENOISER, GOLDEN, GOLDEN_DENOISER, NETWORK, load_bundle
from scanside.runtime.onnxruntime import OnnxRuntime


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


def verify(folder: Path) -> list[Check]:
    """Run the golden case of the bundle in `folder` through every runtime present.

    Raises:
        BundleError: no valid bundle.
        RunnerError: a runtime can't run it at all.
    """
    bundle = load_bundle(folder, allow_test_only=True)
    allowed = bundle.manifest.tolerance["float32"]
    graphs = {NETWORK: GOLDEN} | ({DENOISER: GOLDEN_DENOISER} if bundle.manifest.denoiser else {})
    checks = []
    for graph, case in graphs.items():
        runner = OnnxRuntime(bundle.files[graph])
        for name, difference in golden_differences(bundle, runner, case).items():
            checks.append(Check(runner.name, "float32", name, difference, allowed))
    return checks


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
