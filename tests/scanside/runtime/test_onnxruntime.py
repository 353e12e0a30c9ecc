"""ONNX Runtime runs what the bundle brings and turns its own errors into ours."""

import numpy as np
import pytest

from scanside.bundle import NETWORK, Bundle
from scanside.errors import RunnerError
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.scan.types import Size

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
    with pytest.raises(RunnerError, match="can't load the network"):
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
