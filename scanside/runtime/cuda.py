"""The few calls of CUDA's runtime that a runner needs (`cuda.bindings`); each failure is a RunnerError."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanside.errors import RunnerError
from scanside.runtime.engine import Gpu

_OUT_OF_MEMORY = 2  # cudaErrorMemoryAllocation
_NO_GPU = (35, 100)  # cudaErrorInsufficientDriver, cudaErrorNoDevice


class Cuda:
    """CUDA's runtime on the first GPU that the process sees (CUDA_VISIBLE_DEVICES says which).

    Raises:
        RunnerError: cuda.bindings is not installed, or there is no GPU or no driver.
    """

    def __init__(self) -> None:
        try:
            from cuda.bindings import runtime
        except ImportError as error:
            raise RunnerError(
                f"CUDA can't be called ({error}): pip install 'scanside[gpu]', and on CUDA 12 "
                "(JetPack 6) with 'cuda-bindings==12.*'."
            ) from error
        self._api: Any = runtime
        try:
            count = self._call("cudaGetDeviceCount")
        except RunnerError:
            raise
        except Exception as error:  # the driver's library is looked for at the first call
            raise RunnerError(f"there is no NVIDIA driver on this machine: {error}") from error
        if count < 1:
            raise RunnerError("there is no NVIDIA GPU that this process can see.")

    @property
    def gpu(self) -> Gpu:
        found = self._call("cudaGetDeviceProperties", 0)
        name = found.name.partition(b"\0")[0].decode(errors="replace")
        return Gpu(name, f"{found.major}.{found.minor}")

    def memory(self) -> tuple[int, int]:
        """Bytes of device memory that are free, and in all."""
        free, total = self._call("cudaMemGetInfo")
        return int(free), int(total)

    def stream(self) -> Any:
        return self._call("cudaStreamCreateWithFlags", self._api.cudaStreamNonBlocking)

    def device_memory(self, size: int) -> int:
        """Address of `size` bytes on the GPU."""
        return int(self._call("cudaMalloc", size, wanted=size))

    def pinned(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """An array of float32 in memory that the GPU reads and writes by itself; free it with its address."""
        size = 4 * int(np.prod(shape))
        address = int(self._call("cudaHostAlloc", size, self._api.cudaHostAllocDefault, wanted=size))
        block = (ctypes.c_float * (size // 4)).from_address(address)
        return np.ctypeslib.as_array(block).reshape(shape)

    def upload(self, device: int, host: NDArray[np.float32], stream: Any) -> None:
        kind = self._api.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", device, host.ctypes.data, host.nbytes, kind, stream)

    def download(self, host: NDArray[np.float32], device: int, stream: Any) -> None:
        kind = self._api.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", host.ctypes.data, device, host.nbytes, kind, stream)

    def wait(self, stream: Any) -> None:
        self._call("cudaStreamSynchronize", stream)

    def capture(self, stream: Any, work: Callable[[], None]) -> Any:
        """What `work` puts on the stream, as a graph that is launched in one call.

        Raises:
            RunnerError: it can't be captured; the stream is out of capturing all the same.
        """
        self._call(
            "cudaStreamBeginCapture", stream, self._api.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        )
        try:
            work()
        except RunnerError:
            self._api.cudaStreamEndCapture(stream)
            raise
        graph = self._call("cudaStreamEndCapture", stream)
        try:
            return self._call("cudaGraphInstantiate", graph, 0)
        finally:
            self._call("cudaGraphDestroy", graph)

    def launch(self, graph: Any, stream: Any) -> None:
        self._call("cudaGraphLaunch", graph, stream)

    def free(self, call: str, what: Any) -> None:
        """Give something back; at the end of a process CUDA may be gone already, which is no error."""
        getattr(self._api, call)(what)

    def _call(self, name: str, *arguments: Any, wanted: int = 0) -> Any:
        """What CUDA's `name` gives: nothing, a value, or a tuple of them."""
        code, *values = getattr(self._api, name)(*arguments)
        if int(code) == _OUT_OF_MEMORY:
            raise RunnerError(out_of_memory(wanted, *self.memory()))
        if int(code) in _NO_GPU:
            raise RunnerError(
                f"this process sees no NVIDIA GPU, or its driver is older than cuda-bindings ({code.name}). "
                "In a container: was it started with the GPU?"
            )
        if int(code):
            raise RunnerError(f"CUDA failed: {name} gave {code.name} ({int(code)}).")
        return None if not values else values[0] if len(values) == 1 else tuple(values)


def out_of_memory(wanted: int, free: int, total: int) -> str:
    """The message for it; sizes in bytes, `wanted` 0 when nobody knows."""
    asked = f"{wanted >> 20} MB were asked for, " if wanted else ""
    return (
        f"the GPU is out of memory: {asked}{free >> 20} of {total >> 20} MB are free. End what else runs on "
        "it, or build the engine for a smaller batch (export-model engine --max-batch)."
    )
