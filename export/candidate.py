"""A graph in another precision that asks to be let in, and what has to be known of it for that."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.helper import set_model_props

from export.acceptance import Behaviour, Report, Scans, compare, observe
from export.golden import golden_inputs
from scanside.assess.gate import Reference
from scanside.assess.golden import golden_differences
from scanside.model.bundle import NETWORK, REFERENCE, Bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.options import CpuOptions

Arrays = dict[str, NDArray[np.float32]]

_ROOM = 2.0  # golden tolerance, as a multiple of the difference measured here
_OWN_SCANS = 6  # of the golden case that an INT8 network has of its own
_OWN_LEAST = 1e-4  # its smallest tolerance


@dataclass(frozen=True)
class Candidate:
    """A graph that asks to be let in.

    Attributes:
        kept: nodes left in FP32.
        tolerance: for the golden case, by output.
        own: its own golden case, `in_*` and `out_*`; empty where it has none.
        own_tolerance: mean absolute difference, by output.
    """

    runtime: str
    graph: bytes
    kept: tuple[str, ...]
    tolerance: dict[str, float]
    own: Arrays
    own_tolerance: dict[str, float]
    report: Report

    @property
    def file(self) -> str:
        """Where the bundle has it. FP16 is made of FP32 whenever an engine is built: it needs no file."""
        if self.report.precision == "float16":
            return NETWORK
        return f"network.{self.report.precision}.{self.runtime}.onnx"

    @property
    def own_file(self) -> str:
        return f"golden.{self.report.precision}.{self.runtime}.npz"


class Judged:
    """Scans, what FP32 makes of them, and the comparison with it."""

    def __init__(self, bundle: Bundle, scans: Scans, precision: str) -> None:
        self._bundle, self._scans, self.precision = bundle, scans, precision
        self._reference = Reference(bundle.arrays(REFERENCE))
        self._exact = self._observe(bundle.files[NETWORK])

    def __call__(self, graph: bytes) -> Report:
        return compare(self._exact, self._observe(graph), self._scans, self._bundle.manifest, self.precision)

    def _observe(self, graph: bytes) -> Behaviour:
        return observe(OnnxRuntime(graph), self._scans, self._bundle.manifest, self._reference)


def make_candidate(
    bundle: Bundle, runtime: str, model: onnx.ModelProto, kept: tuple[str, ...], judged: Judged
) -> Candidate:
    """Judge `model`, made for `runtime` with the nodes `kept` in FP32, and measure its golden tolerances."""
    network = onnx.load_from_string(bundle.files[NETWORK])
    notes = {entry.key: entry.value for entry in network.metadata_props}
    set_model_props(model, {**notes, "precision": judged.precision, "made_for": runtime})
    graph = bytes(model.SerializeToString(deterministic=True))
    differences = golden_differences(bundle, OnnxRuntime(graph))
    least = min(bundle.manifest.tolerance.values())
    tolerance = {name: max(least, _rounded(_ROOM * found)) for name, found in differences.items()}
    own, own_tolerance = ({}, {}) if judged.precision == "float16" else _own_golden(bundle, graph, runtime)
    return Candidate(runtime, graph, kept, tolerance, own, own_tolerance, judged(graph))


def _own_golden(bundle: Bundle, graph: bytes, runtime: str) -> tuple[Arrays, dict[str, float]]:
    """What `graph` gives for synthetic scans, and how far a right machine may be from it.

    On the CPU: twice what ONNX Runtime's other ways to compute it are. Its lower optimisations use other
    kernels, the lowest FP32 between the roundings to INT8: they stand for other processors. What TensorRT's
    kernels do can't be measured without a GPU; they may be as far from it as FP32 is, since what they round
    otherwise is less than all that INT8 rounds.
    """
    inputs = golden_inputs(bundle.manifest.input_size, len(bundle.manifest.clinical_inputs), _OWN_SCANS)
    outputs = OnnxRuntime(graph).run(inputs)
    if runtime == "onnxruntime":
        runners = [OnnxRuntime(graph, options=CpuOptions(level)) for level in ("extended", "basic")]
        room = _ROOM
    else:
        runners, room = [OnnxRuntime(bundle.files[NETWORK])], 1.0
    others = [runner.run(inputs) for runner in runners]
    apart = {
        name: max(float(np.abs(o[name] - values).mean()) for o in others) for name, values in outputs.items()
    }
    tolerance = {name: max(_OWN_LEAST, _rounded(room * found)) for name, found in apart.items()}
    return {f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()}, tolerance


def _rounded(difference: float) -> float:
    return float(f"{difference:.1e}")
