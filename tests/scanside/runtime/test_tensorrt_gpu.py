"""TensorRT on a real GPU. The default bundle in FP32, whose tolerance every bundle gives."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from export.engine import build_engines
from export.verify import verify
from scanside.assess.choose import open_network
from scanside.assess.golden import check_golden, golden_differences
from scanside.errors import RunnerError
from scanside.model.bundle import DEFAULT_BUNDLE, GOLDEN_DENOISER, NETWORK, Bundle, load_bundle
from scanside.runtime.cuda import Cuda
from scanside.runtime.engine import find_engine
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.preference import RuntimeOptions
from scanside.runtime.tensorrt import TensorRt, open_tensorrt
from scanside.runtime.tensorrt_module import load_module

pytestmark = pytest.mark.gpu
MAX_BATCH = 4


@pytest.fixture(scope="module")
def default() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


@pytest.fixture(scope="module")
def cuda() -> Cuda:
    try:
        load_module()
        return Cuda()
    except RunnerError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def engines(cuda: Cuda, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(cuda.gpu.compute_capability)
    for precision in ("fp32", "fp16"):
        build_engines(
            DEFAULT_BUNDLE, folder, precision, max_batch=MAX_BATCH, progress=lambda _: lambda *_: None
        )
    return folder


@pytest.fixture(scope="module")
def runner(engines: Path, default: Bundle) -> TensorRt:
    return open_tensorrt(engines, default.digest, NETWORK, "fp32")


def scans(batch: int, default: Bundle) -> dict[str, np.ndarray]:
    return {"scan": np.random.default_rng(batch).random((batch, 1, *default.manifest.input_size), np.float32)}


def test_the_golden_case(runner: TensorRt, default: Bundle) -> None:
    assert check_golden(default, runner)


def test_fp16_keeps_the_risk(engines: Path, default: Bundle) -> None:
    half = open_tensorrt(engines, default.digest, NETWORK, "fp16")
    assert golden_differences(default, half)["class_probability"] <= 5e-3


@pytest.mark.parametrize("batch", [1, 2, MAX_BATCH, MAX_BATCH + 1, 3 * MAX_BATCH])
def test_every_batch_again_and_again_as_on_the_cpu(batch: int, runner: TensorRt, default: Bundle) -> None:
    inputs = scans(batch, default)
    expected = OnnxRuntime(default.files[NETWORK]).run(inputs)
    first = runner.run(inputs)
    runner.run(scans(batch, default) | {"scan": 1 - inputs["scan"]})  # what the graph left must not be seen
    again = runner.run(inputs)
    for name, values in expected.items():
        np.testing.assert_allclose(first[name], values, atol=1e-3, err_msg=name)
        np.testing.assert_array_equal(again[name], first[name])


def test_a_cuda_graph_computes_the_same_as_without(engines: Path, cuda: Cuda, default: Bundle) -> None:
    engine, content = find_engine(engines, default.digest, NETWORK, "fp32", load_module(), cuda.gpu)
    made = [
        TensorRt(content, "fp32", engine.max_batch, load_module(), cuda, graphs=graphs)
        for graphs in (True, False)
    ]
    inputs = scans(2, default)
    with_graph, without = (each.run(inputs) for each in made)
    for name in without:
        np.testing.assert_array_equal(with_graph[name], without[name])
    times = []
    for each in made:
        start = time.perf_counter()
        for _ in range(50):
            each.run(inputs)
        times.append((time.perf_counter() - start) / 50)
    print(f"{made[0].name}: {1e3 * times[0]:.2f} ms with a CUDA graph, {1e3 * times[1]:.2f} ms without")


def test_the_denoiser_runs_beside_it_and_proves_itself(engines: Path, default: Bundle) -> None:
    choice = open_network(default, RuntimeOptions(("tensorrt:fp32",), engines=engines))
    assert choice.denoiser is not None and choice.denoiser.name.startswith("TensorRT")
    differences = check_golden(default, choice.denoiser, case=GOLDEN_DENOISER)
    assert set(differences) == {"annotation_probability", "clean"}


def test_verify_runs_every_engine(engines: Path) -> None:
    checks = verify(DEFAULT_BUNDLE, engines=engines)
    assert {c.precision for c in checks if c.runtime.startswith("TensorRT")} >= {"float32"}
    assert all(c.passed for c in checks if c.precision == "float32")


def test_the_settings_choose_it(engines: Path, default: Bundle) -> None:
    options = RuntimeOptions(("tensorrt:fp32", "onnxruntime"), engines=engines)
    choice = open_network(default, options)
    assert choice.runner.name.startswith("TensorRT") and choice.refused == ()


@pytest.fixture
def full_gpu(cuda: Cuda) -> Iterator[None]:
    """A GPU on which less than 64 MB are left."""
    taken = []
    step = 1 << 30
    while step > 1 << 24:
        try:
            taken.append(cuda.device_memory(step))
        except RunnerError:
            step //= 2
    yield
    for address in taken:
        cuda.free("cudaFree", address)


@pytest.mark.usefixtures("full_gpu")
def test_out_of_memory_is_said(engines: Path, default: Bundle) -> None:
    with pytest.raises(RunnerError, match=r"memory|Memory"):
        open_tensorrt(engines, default.digest, NETWORK, "fp32").run(scans(MAX_BATCH, default))


def test_an_altered_engine_never_reaches_the_gpu(engines: Path, default: Bundle, tmp_path: Path) -> None:
    for path in engines.iterdir():
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(content if path.suffix == ".json" else content[:-1] + b"\0\0")
    with pytest.raises(RunnerError, match="was altered"):
        open_tensorrt(tmp_path, default.digest, NETWORK, "fp32")
