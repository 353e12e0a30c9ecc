"""TensorRT on an NVIDIA GPU: an engine of the cache, fed from pinned memory, replayed as a CUDA graph."""

import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanside.errors import RunnerError
from scanside.runtime.cuda import Cuda, out_of_memory
from scanside.runtime.engine import find_engine
from scanside.runtime.protocol import Arrays
from scanside.runtime.tensorrt_module import TensorRtModule, load_module, make_log, reason, start

Shape = tuple[int, ...]


class TensorRt:
    """Runs one engine on the GPU, any batch: a larger one than the engine takes is run in parts.

    Args:
        content: of the engine, checked by `find_engine`: an engine is code.
        precision: for the name.
        max_batch: of the engine's profile.
        graphs: replay each batch size as a CUDA graph; off only to be compared with.

    Raises:
        RunnerError: the engine can't be loaded here, or there is too little memory for it.
    """

    def __init__(
        self,
        content: bytes,
        precision: str,
        max_batch: int,
        module: TensorRtModule,
        cuda: Cuda,
        *,
        graphs: bool = True,
    ) -> None:
        self._module, self._cuda, self._max_batch, self._graphs = module, cuda, max_batch, graphs
        self.name = f"{module.shown}, {cuda.gpu.name}, {precision.upper()}"
        self._log = make_log(module.api)
        self._runtime = start(module, "Runtime", self._log)  # has to outlive the engine
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise self._failure("can't load the engine")
        self.inputs, self.outputs = _tensors(module.api, self._engine, self.name)
        self._stream = cuda.stream()
        self._batches: dict[int, _Batch] = {}
        self._owned: list[tuple[str, Any]] = [("cudaStreamDestroy", self._stream)]
        weakref.finalize(self, _free, cuda, self._owned)

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        batch = check_inputs(inputs, self.inputs, self.name)
        parts = []
        for first, after in chunks(batch, self._max_batch):
            prepared = self._batches.get(after - first)
            if prepared is None:
                prepared = self._batches[after - first] = self._prepare(after - first)
            parts.append(prepared.run({name: values[first:after] for name, values in inputs.items()}))
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _prepare(self, batch: int) -> "_Batch":
        context = self._context()
        for name, rest in self.inputs.items():
            if not context.set_input_shape(name, (batch, *rest)):
                raise self._failure(f"refuses a batch of {batch}")
        arrays, addresses = {}, {}
        for name in (*self.inputs, *self.outputs):
            shape = tuple(context.get_tensor_shape(name))
            if min(shape, default=0) < 1:
                raise RunnerError(f"{self.name}: the shape of {name} is not known before it runs: {shape}.")
            arrays[name] = host = self._cuda.pinned(shape)
            self._owned.append(("cudaFreeHost", host.ctypes.data))
            addresses[name] = self._cuda.device_memory(host.nbytes)
            self._owned.append(("cudaFree", addresses[name]))
            context.set_tensor_address(name, addresses[name])

        def work() -> None:
            for name in self.inputs:
                self._cuda.upload(addresses[name], arrays[name], self._stream)
            if not context.execute_async_v3(int(self._stream)):
                raise self._failure("failed")
            for name in self.outputs:
                self._cuda.download(arrays[name], addresses[name], self._stream)

        return _Batch(context, arrays, tuple(self.outputs), self._launcher(work), self._wait)

    def _context(self) -> Any:
        """An execution context. Each batch size has one: a CUDA graph is only valid while its shapes stay."""
        if self._module.is_rtx:
            api, config = self._module.api, self._engine.create_runtime_config()
            # Kernels for each shape are compiled at its first run, not behind the back of the later ones.
            config.dynamic_shapes_kernel_specialization_strategy = (
                api.DynamicShapesKernelSpecializationStrategy.EAGER
            )
            if self._graphs:  # RTX captures by itself, since only it knows when its kernels are final
                config.cuda_graph_strategy = api.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            context = self._engine.create_execution_context(config)
        else:
            context = self._engine.create_execution_context()
        if context is None:
            raise self._failure("can't prepare the engine")
        return context

    def _launcher(self, work: Callable[[], None]) -> Callable[[], None]:
        """How `work` is put on the stream from now on; it ran once when this returns."""
        work()  # TensorRT sets itself up in the first run, which can't be captured
        self._wait()
        if self._module.is_rtx or not self._graphs:
            return work
        graph = self._cuda.capture(self._stream, work)
        self._owned.append(("cudaGraphExecDestroy", graph))
        return lambda: self._cuda.launch(graph, self._stream)

    def _failure(self, what: str) -> RunnerError:
        """The error for what TensorRT has just refused; its log says why."""
        if "memory" in reason(self._log).lower():
            return RunnerError(f"{self.name} {what}: {out_of_memory(0, *self._cuda.memory())}")
        return RunnerError(f"{self.name} {what}{reason(self._log)}")

    def _wait(self) -> None:
        self._cuda.wait(self._stream)


class _Batch:
    """All that is set up once for a batch size: context, memory, graph."""

    def __init__(
        self,
        context: Any,
        arrays: Mapping[str, NDArray[np.float32]],
        outputs: tuple[str, ...],
        launch: Callable[[], None],
        wait: Callable[[], None],
    ) -> None:
        self._context = context  # the graph hangs on it
        self._arrays, self._outputs, self._launch, self._wait = arrays, outputs, launch, wait

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        for name, values in inputs.items():
            np.copyto(self._arrays[name], values)
        self._launch()
        self._wait()
        return {name: self._arrays[name].copy() for name in self._outputs}


def open_tensorrt(
    folder: Path, bundle: str, graph: str, precision: str, module_name: str | None = None
) -> TensorRt:
    """The runner for a network of a bundle, from the engines in `folder`.

    Args:
        bundle: digest.
        graph: file name of the network in the bundle.
        precision: a key of PRECISIONS.
        module_name: as for `load_module`.

    Raises:
        RunnerError: no TensorRT, no GPU, or no engine that fits; the message says what to do.
    """
    module, cuda = load_module(module_name), Cuda()
    engine, content = find_engine(folder, bundle, graph, precision, module, cuda.gpu)
    return TensorRt(content, precision, engine.max_batch, module, cuda)


def chunks(batch: int, most: int) -> Iterator[tuple[int, int]]:
    """First row, and the row after the last, of the parts in which `batch` is run, each of `most` at most."""
    return ((first, min(first + most, batch)) for first in range(0, batch, most))


def check_inputs(inputs: Arrays, wanted: Mapping[str, Shape], who: str) -> int:
    """The batch size, if names, types and shapes are those of the network.

    Args:
        wanted: shape by name, without the batch.
        who: the runner, for the message.

    Raises:
        RunnerError: they are not.
    """
    if set(inputs) != set(wanted):
        raise RunnerError(f"{who} takes {', '.join(wanted)}, not {', '.join(inputs) or 'nothing'}.")
    batches = set()
    for name, rest in wanted.items():
        values = inputs[name]
        if values.dtype != np.float32 or values.ndim != 1 + len(rest) or values.shape[1:] != rest:
            raise RunnerError(
                f"{who} takes {name} as float32 of shape (N, {', '.join(map(str, rest))}), "
                f"not {values.dtype} of shape {values.shape}."
            )
        batches.add(len(values))
    if len(batches) != 1 or 0 in batches:
        raise RunnerError(f"{who}: the inputs have {sorted(batches)} rows; all need the same, from 1.")
    return batches.pop()


def _tensors(api: Any, engine: Any, who: str) -> tuple[dict[str, Shape], dict[str, Shape]]:
    """Shapes of inputs and outputs without the batch, by name."""
    found: tuple[dict[str, Shape], dict[str, Shape]] = ({}, {})
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))
        if engine.get_tensor_dtype(name) != api.DataType.FLOAT or shape[:1] != (-1,):
            raise RunnerError(f"{who}: the engine's {name} is not float32 with a dynamic batch.")
        found[engine.get_tensor_mode(name) != api.TensorIOMode.INPUT][name] = shape[1:]
    return found


def _free(cuda: Cuda, owned: list[tuple[str, Any]]) -> None:
    for call, what in reversed(owned):
        cuda.free(call, what)
