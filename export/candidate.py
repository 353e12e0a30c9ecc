"""A graph in another precision that asks to be let in, and what has to be known of it for that."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.helper import set_model_props

from export.acceptance import Behaviour, Report, Scans, compare, observe
from export.golden import golden_inputs
from scanside.bundle import NETWORK, REFERENCE, Bundle
from scanside.golden import golden_differences
from scanside.ood import Reference
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.options import CpuOptions

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
    own: dict[str, NDArray[np.float32]]
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
    tolerance = {name: max(least, _with_room(found)) for name, found in differences.items()}
    # What TensorRT makes of its graph is not known here: there it is compared with the checkpoint alone.
    own, own_tolerance = _own_golden(bundle, graph) if runtime == "onnxruntime" else ({}, {})
    return Candidate(runtime, graph, kept, tolerance, own, own_tolerance, judged(graph))


def _own_golden(bundle: Bundle, graph: bytes) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
    """What `graph` gives for synthetic scans, and how far its other ways to be computed here are from it.

    ONNX Runtime's lower optimisations compute the same with other kernels, the lowest in FP32 between the
    roundings to INT8: they stand for other processors.
    """
    inputs = golden_inputs(bundle.manifest.input_size, len(bundle.manifest.clinical_inputs), _OWN_SCANS)
    outputs = OnnxRuntime(graph).run(inputs)
    others = [OnnxRuntime(graph, options=CpuOptions(o)).run(inputs) for o in ("extended", "basic")]
    tolerance = {
        name: max(_OWN_LEAST, *(_with_room(float(np.abs(o[name] - values).mean())) for o in others))
        for name, values in outputs.items()
    }
    return {f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()}, tolerance


def _with_room(difference: float) -> float:
    return float(f"{_ROOM * difference:.1e}")
