"""ONNX Runtime on the CPU: the runtime that is always there."""

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scanside.errors import BundleError, RunnerError
from scanside.runtime.options import CpuOptions
from scanside.runtime.protocol import Arrays
from scanside.runtime.tensor import Tensor

_LEVELS = {
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
}


class OnnxRuntime:
    """Runs one ONNX graph on the CPU.

    Args:
        graph: the bytes of the .onnx file. Bytes, not a path: what was hashed is what runs, and a
            graph can't point at other files.
        threads: cores to use; 0 is all of them.
        what: it is, for messages.

    Raises:
        BundleError: the graph is damaged, or made for a newer ONNX Runtime.
    """

    def __init__(
        self, graph: bytes, threads: int = 0, options: CpuOptions | None = None, what: str = "the network"
    ) -> None:
        chosen = options or CpuOptions()
        session = ort.SessionOptions()
        session.intra_op_num_threads = threads
        session.graph_optimization_level = _LEVELS[chosen.optimisation]
        session.enable_cpu_mem_arena = chosen.arena
        session.add_session_config_entry("session.intra_op.allow_spinning", str(int(chosen.spinning)))
        session.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph, session, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own C++ layer
            raise BundleError(
                f"ONNX Runtime {ort.__version__} can't load {what}: {error}. It is damaged or made for a "
                "newer version. Install or export the bundle again, or update onnxruntime."
            ) from error

    @property
    def name(self) -> str:
        return f"ONNX Runtime {ort.__version__}, CPU"

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(map(_tensor, self._session.get_inputs()))

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return tuple(map(_tensor, self._session.get_outputs()))

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        names = [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(names, dict(inputs))
        except Exception as error:
            raise RunnerError(f"{self.name} failed: {error}") from error
        return dict(zip(names, values, strict=True))


def _tensor(value: ort.NodeArg) -> Tensor:
    """ONNX Runtime writes "tensor(float)" where ONNX writes FLOAT, and None for a length without a name."""
    kind = value.type.removeprefix("tensor(").removesuffix(")").upper()
    return Tensor(value.name, kind, tuple("?" if length is None else length for length in value.shape))
