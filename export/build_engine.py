"""An ONNX graph -> a TensorRT engine, through the Python API that TensorRT and TensorRT for RTX share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scanside.errors import RunnerError, SettingError
from scanside.runtime.tensorrt_module import TensorRtModule, make_log, reason, start

Progress = Callable[[str, float], None]  # what is done, and how much of it: 0 to 1


def build(
    graph: bytes,
    module: TensorRtModule,
    *,
    max_batch: int,
    shapes: Mapping[str, tuple[int, ...]],
    compute_capabilities: tuple[str, ...] = (),
    timing_cache: Path | None = None,
    progress: Progress,
) -> bytes:
    """Build the engine of `graph`, for batches from 1 to `max_batch`.

    Args:
        graph: ONNX; its types are kept as they are.
        shapes: of the inputs, without the batch; a length that the graph leaves open is fixed to it.
        compute_capabilities: what it is built for, without a GPU; the GPU that is here when none is named.
            RTX only.
        timing_cache: measurements of an earlier build, read and written; TensorRT only, RTX times nothing.

    Raises:
        SettingError: this TensorRT can't build for that compute capability.
        RunnerError: TensorRT can't read the graph or can't build it.
        KeyboardInterrupt: someone had enough.
    """
    api, log = module.api, make_log(module.api)
    builder = start(module, "Builder", log)
    network = builder.create_network(1 << int(api.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = api.OnnxParser(network, log)
    if not parser.parse(graph) or not network.num_outputs:
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        said = "; ".join(f"{error.desc()} at {error.node_name() or 'its start'}" for error in errors)
        raise RunnerError(f"{module.shown} can't read the network: {said or 'it has no outputs'}.")
    config = builder.create_builder_config()
    config.clear_flag(api.BuilderFlag.TF32)  # its 10 bits of mantissa are no FP32
    _set_targets(config, module, compute_capabilities)
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        rest = shapes[tensor.name]
        tensor.shape = (-1, *rest)
        profile.set_shape(tensor.name, (1, *rest), (1, *rest), (max_batch, *rest))
    config.add_optimization_profile(profile)
    if timing_cache is not None and not module.is_rtx:
        known = timing_cache.read_bytes() if timing_cache.is_file() else b""
        config.set_timing_cache(config.create_timing_cache(known), False)
    monitor = _monitor(api, progress)
    config.progress_monitor = monitor
    engine = builder.build_serialized_network(network, config)
    if monitor.interrupted:
        raise KeyboardInterrupt
    if engine is None:
        raise RunnerError(f"{module.shown} can't build the engine{reason(log)}")
    if timing_cache is not None and not module.is_rtx:
        timing_cache.parent.mkdir(parents=True, exist_ok=True)
        timing_cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    return bytes(engine)


def _set_targets(config: Any, module: TensorRtModule, compute_capabilities: tuple[str, ...]) -> None:
    if not compute_capabilities:
        return
    if not module.is_rtx:
        raise SettingError(
            "TensorRT builds for the GPU that it runs on; --compute-capability is for tensorrt-rtx."
        )
    known = {
        f"{name[2:-1]}.{name[-1]}": value
        for name, value in module.api.ComputeCapability.__members__.items()
        if name.startswith("SM")
    }
    config.num_compute_capabilities = len(compute_capabilities)
    for index, capability in enumerate(compute_capabilities):
        if capability not in known:
            raise SettingError(
                f"{module.shown} can't build for compute capability {capability!a}; it can for "
                f"{', '.join(known)}."
            )
        config.set_compute_capability(known[capability], index)


def _monitor(api: Any, progress: Progress) -> Any:
    """What TensorRT tells of its outermost phase; the callbacks are Python's only chance for Ctrl-C."""

    class Monitor(api.IProgressMonitor):  # type: ignore[misc]  # the module is only known when it runs
        def __init__(self) -> None:
            api.IProgressMonitor.__init__(self)
            self.interrupted = False
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, _parent: str | None, steps: int) -> None:
            self._steps[phase] = max(1, steps)
            self._tell(phase, 0.0)

        def step_complete(self, phase: str, step: int) -> bool:
            self._tell(phase, (step + 1) / self._steps.get(phase, 1))
            return not self.interrupted

        def phase_finish(self, phase: str) -> None:
            self._tell(phase, 1.0)

        def _tell(self, phase: str, share: float) -> None:
            try:
                progress(phase, min(1.0, share))
            except KeyboardInterrupt:  # an exception in a callback would end the process
                self.interrupted = True

    return Monitor()
