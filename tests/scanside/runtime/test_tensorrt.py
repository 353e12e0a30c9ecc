"""TensorRT without a GPU: what is checked before one is asked, and what is said where there is none."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from scanside.errors import RunnerError, SettingError
from scanside.runtime.cuda import Cuda, out_of_memory
from scanside.runtime.tensorrt import check_inputs, chunks
from scanside.runtime.tensorrt_module import load_module, make_log, reason

WANTED = {"scan": (1, 8, 12), "clinical": (2,)}


def inputs(batch: int) -> dict[str, np.ndarray]:
    return {"scan": np.ones((batch, 1, 8, 12), np.float32), "clinical": np.zeros((batch, 2), np.float32)}


@pytest.mark.parametrize(
    ("batch", "most", "parts"),
    [(1, 4, [(0, 1)]), (4, 4, [(0, 4)]), (12, 8, [(0, 8), (8, 12)]), (3, 1, [(0, 1), (1, 2), (2, 3)])],
)
def test_a_batch_is_run_in_parts_that_the_engine_takes(
    batch: int, most: int, parts: list[tuple[int, int]]
) -> None:
    assert list(chunks(batch, most)) == parts


@pytest.mark.parametrize("batch", [1, 12])
def test_inputs_that_fit(batch: int) -> None:
    assert check_inputs(inputs(batch), WANTED, "TensorRT") == batch


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, "takes scan, clinical, not nothing"),
        ({"scan": inputs(1)["scan"]}, "takes scan, clinical, not scan"),
        ({**inputs(1), "more": np.ones(1, np.float32)}, "not scan, clinical, more"),
        ({**inputs(1), "scan": np.ones((1, 1, 8, 13), np.float32)}, r"shape \(N, 1, 8, 12\), not float32 of"),
        ({**inputs(1), "scan": np.ones((1, 8, 12), np.float32)}, r"not float32 of shape \(1, 8, 12\)"),
        ({**inputs(1), "scan": np.ones((1, 1, 8, 12), np.float64)}, "not float64"),
        ({**inputs(1), "clinical": np.ones((2, 2), np.float32)}, r"\[1, 2\] rows"),
        (inputs(0), r"\[0\] rows"),
    ],
)
def test_inputs_that_do_not_fit(wrong: dict[str, np.ndarray], why: str) -> None:
    with pytest.raises(RunnerError, match=why):
        check_inputs(wrong, WANTED, "TensorRT")


def test_a_module_that_nobody_knows() -> None:
    with pytest.raises(SettingError, match="no TensorRT 'openvino'"):
        load_module("openvino")


def _package(folder: Path, name: str, source: str) -> None:
    (folder / f"{name}.py").write_text(source)


@pytest.fixture
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is the only place where a TensorRT can be found."""
    names = ("tensorrt", "tensorrt_rtx")
    real = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    yield tmp_path
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(real)


def test_none_is_installed(only_here: Path) -> None:
    assert not list(only_here.iterdir())
    with pytest.raises(RunnerError, match=r"TensorRT is not installed\. On a Jetson it comes with JetPack"):
        load_module()


def test_the_one_that_is_there_is_taken_and_of_two_the_first(only_here: Path) -> None:
    _package(only_here, "tensorrt_rtx", "__version__ = '1.7'")
    found = load_module()
    assert (found.name, found.shown, found.is_rtx) == ("tensorrt-rtx", "TensorRT for RTX 1.7", True)
    with pytest.raises(RunnerError, match="tensorrt is not installed"):
        load_module("tensorrt")
    _package(only_here, "tensorrt", "__version__ = '10.3.0'")
    assert load_module().shown == "TensorRT 10.3.0" and not load_module().is_rtx
    assert load_module("tensorrt-rtx").is_rtx


@pytest.mark.parametrize("fault", ["raise OSError('libcudart.so.13: no such file')", "import no_such_part"])
def test_one_that_is_broken_is_not_passed_over(only_here: Path, fault: str) -> None:
    """Whoever installed it wants to know why it is not used."""
    _package(only_here, "tensorrt", fault)
    _package(only_here, "tensorrt_rtx", "__version__ = '1.7'")
    with pytest.raises(RunnerError, match=r"tensorrt is installed and can't be loaded \("):
        load_module()


def test_out_of_memory_says_how_much_and_what_to_do() -> None:
    said = out_of_memory(512 << 20, 100 << 20, 8000 << 20)
    assert "512 MB were asked for, 100 of 8000 MB are free" in said and "--max-batch" in said
    assert "asked for" not in out_of_memory(0, 1, 1)


class FullGpu:
    """What CUDA answers when its memory is full, in the form of cuda.bindings; a GPU is not always here."""

    def cudaMalloc(self, _size: int) -> tuple[int, None]:
        return 2, None  # cudaErrorMemoryAllocation

    def cudaMemGetInfo(self) -> tuple[int, int, int]:
        return 0, 3 << 20, 8000 << 20


def test_a_full_gpu_is_a_refusal_with_what_and_why() -> None:
    cuda = Cuda.__new__(Cuda)
    cuda._api = FullGpu()
    with pytest.raises(
        RunnerError, match=r"GPU is out of memory: 64 MB .*, 3 of 8000 MB are free.*--max-batch"
    ):
        cuda.device_memory(64 << 20)


def test_cuda_without_a_gpu_is_a_message() -> None:
    try:
        Cuda()
    except RunnerError as error:
        assert any(word in str(error) for word in ("pip install", "no NVIDIA", "CUDA failed"))
    else:
        pytest.skip("there is a GPU here")


def test_every_call_of_cuda_is_one_that_the_library_has() -> None:
    """Without a driver each of them is refused by CUDA, not by Python: name and arguments are right."""
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed")
    try:
        Cuda()
        pytest.skip("there is a GPU here")
    except RunnerError:
        cuda = Cuda.__new__(Cuda)
        cuda._api = runtime
    array, stream = np.zeros(4, np.float32), runtime.cudaStream_t(0)
    calls: list[Callable[[], object]] = [
        lambda: cuda.gpu,
        cuda.memory,
        cuda.stream,
        lambda: cuda.device_memory(16),
        lambda: cuda.pinned((2, 2)),
        lambda: cuda.upload(4096, array, stream),
        lambda: cuda.download(array, 4096, stream),
        lambda: cuda.wait(stream),
        lambda: cuda.capture(stream, lambda: None),
        lambda: cuda.launch(runtime.cudaGraphExec_t(0), stream),
    ]
    for call in calls:
        with pytest.raises(RunnerError, match="sees no NVIDIA GPU"):
            call()
    cuda.free("cudaFree", 4096)
    cuda.free("cudaFreeHost", 4096)
    cuda.free("cudaGraphExecDestroy", runtime.cudaGraphExec_t(0))
    cuda.free("cudaStreamDestroy", stream)


@pytest.mark.parametrize("content", [b"", b"no engine", b"\0" * 4096])
def test_bytes_that_are_no_engine(content: bytes) -> None:
    """TensorRT's own runtime looks at them; it needs no GPU to refuse them, and it must not crash."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    module = load_module("tensorrt-rtx")
    log = make_log(module.api)
    assert module.api.Runtime(log).deserialize_cuda_engine(content) is None
    assert len(reason(log)) > 10
