"""ONNX Runtime runs what the bundle brings and turns its own errors into ours."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scanside.errors import BundleError, RunnerError
from scanside.image import Size
from scanside.model.bundle import NETWORK, Bundle
from scanside.runtime.onnxruntime import OnnxRuntime

SIZE = Size(84, 136)


def inputs(batch: int) -> dict[str, np.ndarray]:
    return {"scan": np.ones((batch, 1, *SIZE), np.float32), "clinical": np.zeros((batch, 2), np.float32)}


@pytest.mark.parametrize("batch", [1, 4])
def test_runs_any_batch(bundle: Bundle, batch: int) -> None:
    outputs = OnnxRuntime(bundle.files[NETWORK], threads=1).run(inputs(batch))
    assert {name: value.shape for name, value in outputs.items()} == {
        "class_probability": (batch, 2),
        "lesion_probability": (batch, *SIZE),
        "features": (batch, 5),
    }


def test_name_says_version_and_device(bundle: Bundle) -> None:
    assert OnnxRuntime(bundle.files[NETWORK]).name.startswith("ONNX Runtime 1.")
    assert OnnxRuntime(bundle.files[NETWORK]).name.endswith("CPU")


@pytest.mark.parametrize("graph", [b"", b"no graph", b"\x08\x08\x12\x00"])
def test_no_network(graph: bytes) -> None:
    with pytest.raises(BundleError, match="can't load the network"):
        OnnxRuntime(graph)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"scan": np.ones((1, 1, *SIZE), np.float32)},
        {**inputs(1), "more": np.ones(1, np.float32)},
        {**inputs(1), "scan": np.ones((1, 1, 10, 10), np.float32)},
        {**inputs(1), "scan": np.ones((1, 1, *SIZE), np.float64)},
    ],
    ids=["nothing", "no clinical", "one too many", "wrong size", "wrong type"],
)
def test_inputs_that_do_not_fit(bundle: Bundle, wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(RunnerError, match="ONNX Runtime"):
        OnnxRuntime(bundle.files[NETWORK]).run(wrong)


def test_sends_nothing_to_its_maker(bundle: Bundle, tmp_path: Path) -> None:
    """What it means to send it first keeps in the home folder: there is no such file."""
    (tmp_path / "network.onnx").write_bytes(bundle.files[NETWORK])
    code = (
        "import sys, time; from pathlib import Path; from scanside.runtime.onnxruntime import OnnxRuntime\n"
        "OnnxRuntime(Path(sys.argv[1]).read_bytes()); time.sleep(0.5)"
    )
    known = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "network.onnx")],
        env=known | {"HOME": str(home)},  # without CI, which switches it off as well
        check=True,
        timeout=60,
    )
    assert list(home.iterdir()) == []
