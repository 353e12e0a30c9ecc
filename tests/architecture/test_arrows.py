"""The arrows of the house point one way: statically (import-linter) and in a fresh process per package."""

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = {"edge", "trainer", "export"}
HEAVY = {"torch", "lightning", "monai", "torchmetrics", "tensorboard", "onnx", "onnxscript"}

IMPORT_ALL = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(package: str) -> set[str]:
    """Top-level modules in sys.modules after every module of `package` was imported."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_import_linter_keeps_the_contracts() -> None:
    linter = shutil.which("lint-imports", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("import-linter is not installed in this environment")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def test_scanside_loads_no_program_no_torch_and_no_network() -> None:
    loaded = loaded_by("scanside")
    assert not loaded & (PROGRAMS | HEAVY | {"pynetdicom", "rich", "socketserver"})
    assert {"numpy", "cv2", "pydicom", "onnxruntime"} <= loaded


def test_edge_loads_scanside_alone() -> None:
    loaded = loaded_by("edge")
    assert not loaded & (HEAVY | {"trainer", "export"})
    assert {"scanside", "pynetdicom", "rich"} <= loaded


def test_trainer_loads_neither_edge_nor_export() -> None:
    pytest.importorskip("torch", reason="torch is not installed: the trainer can't be imported whole")
    assert not loaded_by("trainer") & {"edge", "export", "pynetdicom"}


def test_export_loads_no_edge() -> None:
    pytest.importorskip("torch", reason="torch is not installed: export can't be imported whole")
    assert not loaded_by("export") & {"edge", "pynetdicom"}


def imports_of(path: Path) -> Iterator[str]:
    """Names of the modules that a source imports from tests and benchmarks, at its top or anywhere within."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.partition(".")[0] in ("tests", "benchmarks"))


def reach(paths: Iterable[Path]) -> set[Path]:
    """Sources of tests and benchmarks that `paths` import, and those that these import, and so on."""
    reached: set[Path] = set()
    waiting = list(paths)
    while waiting:
        for name in imports_of(waiting.pop()):
            path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if path.exists() and path not in reached:
                reached.add(path)
                waiting.append(path)
    return reached


def test_what_benchmarks_take_from_tests_holds_no_test_and_imports_no_benchmark() -> None:
    """A test runs benchmarks/kill.py: in reach of what that imports, the two folders would be a circle."""
    benchmarks = set((ROOT / "benchmarks").glob("*.py"))
    helpers = reach(benchmarks) - benchmarks
    assert ROOT / "tests" / "synth" / "dicom.py" in helpers
    assert [path.name for path in helpers if path.name.startswith(("test_", "conftest"))] == []
    assert [path.name for path in reach(helpers) & benchmarks] == []
