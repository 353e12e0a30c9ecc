"""ONNX Runtime on the CPU: the runtime that is always there."""

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from scanside.errors import RunnerError
from scanside.runtime.protocol import Arrays


class OnnxRuntime:
    """Runs one ONNX graph on the CPU.

    Args:
        graph: the bytes of the .onnx file. Bytes, not a path: what was hashed is what runs, and a
            graph can't point at other files.
        threads: cores to use; 0 is all of them.

    Raises:
        RunnerError: the graph can't be loaded by this version of ONNX Runtime.
    """

    def __init__(self, graph: bytes, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises classes of its own C++ layer
            raise RunnerError(f"ONNX Runtime {ort.__version__} can't load the network: {error}") from error

    @property
    def name(self) -> str:
        return f"ONNX Runtime {ort.__version__}, CPU"

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        names = [output.name for output in self._session.get_outputs()]
        try:
            values = self._session.run(names, dict(inputs))
        except Exception as error:
            raise RunnerError(f"{self.name} failed: {error}") from error
        return dict(zip(names, values, strict=True))
