"""The arrows of the house point one way: statically (import-linter) and in a fresh process per package."""

import json
import shutil
import subprocess
import sys
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
