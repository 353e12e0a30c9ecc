"""`export-model quantise`: another precision, let in by a report on held-out scans, or not at all."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from onnx.helper import set_model_props
from rich.console import Console
from rich.table import Table

from export.acceptance import LIMITS, Behaviour, Report, Scans, compare, observe
from export.bundle import carried_denoiser, write_bundle
from export.half import to_half
from export.int8 import calibrate, layers, to_int8, widened
from export.scans import Parts
from export.search import nodes_to_keep
from scanside import RESEARCH_USE
from scanside.assess import golden_differences
from scanside.bundle import GOLDEN, MODEL_CARD, NETWORK, REFERENCE, Bundle, load_bundle
from scanside.command import say
from scanside.errors import RunnerError, SettingError
from scanside.ood import Reference
from scanside.runtime.onnxruntime import OnnxRuntime

RUNTIMES = {"float16": ("tensorrt",), "int8": ("onnxruntime", "tensorrt")}
_LAYERS = 18  # groups that the search tells apart
_GLANCE = 4  # scans that put layers in order, half of them malignant
_ROOM = 2.0  # golden tolerance, as a multiple of the difference measured here
_CARD = "\n## Other precisions\n"


@dataclass(frozen=True)
class Candidate:
    """A graph that asks to be let in.

    Attributes:
        kept: nodes left in FP32.
        tolerance: for the golden case, by output.
    """

    runtime: str
    graph: bytes
    kept: tuple[str, ...]
    tolerance: dict[str, float]
    report: Report


def quantise(source: Path, read: Callable[[Bundle], Parts], precision: str, folder: Path) -> list[Candidate]:
    """Write the bundle at `source`, with the network in `precision` beside it, into `folder`.

    Args:
        read: the scans to quantise with, as the network of the bundle gets them.
        precision: a key of RUNTIMES.

    Returns:
        Every graph that was made; only those whose report passed are in the bundle.

    Raises:
        SettingError: `folder` exists, or the network reads clinical facts, which MMOTU has not.
        RunnerError: no graph passed; nothing is written.
    """
    if folder.exists():
        raise SettingError(f"{folder} exists and is left as it is. Choose another folder for --out.")
    bundle = load_bundle(source, allow_test_only=True)
    if bundle.manifest.clinical_inputs:
        raise SettingError(
            "the network reads clinical facts, and MMOTU has none: its precision can't be judged."
        )
    candidates = list(_candidates(bundle, read(bundle), precision))
    passed = [candidate for candidate in candidates if not candidate.report.beyond]
    if candidates:
        print_table(candidates)
    if not passed:
        raise RunnerError(
            f"no {precision} network keeps within its limits. Nothing is written; float32 serves."
        )
    _write(bundle, passed, folder)
    return candidates


def _candidates(bundle: Bundle, parts: Parts, precision: str) -> Iterator[Candidate]:
    held_out = _Judged(bundle, parts.held_out, precision)
    if precision == "float16":
        half = onnx.load_from_string(to_half(bundle.files[NETWORK]))
        yield _candidate(bundle, "tensorrt", half, (), held_out)
        return
    model = widened(bundle.files[NETWORK])
    calibration, selection = parts.calibration, parts.selection
    ranges = calibrate(model, [calibration.inputs(i) for i in range(len(calibration.scans))])
    kinds = (np.flatnonzero(selection.malignant), np.flatnonzero(~selection.malignant))
    few = np.concatenate([rows[: _GLANCE // 2] for rows in kinds])
    glanced_at = replace(
        selection,
        scans=selection.scans[few],
        masks=selection.masks[few],
        malignant=selection.malignant[few],
    )
    select, glance = (_Judged(bundle, scans, precision) for scans in (selection, glanced_at))
    for runtime in RUNTIMES[precision]:

        def made(keep: Collection[str], runtime: str = runtime) -> bytes:
            return bytes(to_int8(model, ranges, runtime, keep).SerializeToString())

        try:
            kept = nodes_to_keep(
                layers(model, runtime, _LAYERS),
                lambda keep, made=made: select(made(keep)),  # type: ignore[misc]
                lambda keep, made=made: glance(made(keep)),  # type: ignore[misc]
            )
        except RunnerError as error:  # the other runtime's may still do
            say("export-model", f"for {runtime}: {error}")
            continue
        yield _candidate(bundle, runtime, to_int8(model, ranges, runtime, kept), kept, held_out)


class _Judged:
    """Scans, what FP32 makes of them, and the comparison with it."""

    def __init__(self, bundle: Bundle, scans: Scans, precision: str) -> None:
        self._bundle, self._scans, self.precision = bundle, scans, precision
        self._reference = Reference(bundle.arrays(REFERENCE))
        self._exact = self._observe(bundle.files[NETWORK])

    def __call__(self, graph: bytes) -> Report:
        return compare(self._exact, self._observe(graph), self._scans, self._bundle.manifest, self.precision)

    def _observe(self, graph: bytes) -> Behaviour:
        return observe(OnnxRuntime(graph), self._scans, self._bundle.manifest, self._reference)


def _candidate(
    bundle: Bundle, runtime: str, model: onnx.ModelProto, kept: tuple[str, ...], judged: _Judged
) -> Candidate:
    network = onnx.load_from_string(bundle.files[NETWORK])
    notes = {entry.key: entry.value for entry in network.metadata_props}
    set_model_props(model, {**notes, "precision": judged.precision, "made_for": runtime})
    graph = bytes(model.SerializeToString(deterministic=True))
    differences = golden_differences(bundle, OnnxRuntime(graph))
    least = min(bundle.manifest.tolerance.values())
    tolerance = {name: max(least, float(f"{_ROOM * found:.1e}")) for name, found in differences.items()}
    return Candidate(runtime, graph, kept, tolerance, judged(graph))


def _write(bundle: Bundle, passed: list[Candidate], folder: Path) -> None:
    document = {k: v for k, v in bundle.manifest.document.items() if k not in ("schema", "files")}
    precision = passed[0].report.precision
    others = [entry for entry in document.get("precisions", ()) if entry["precision"] != precision]
    graphs = {entry["file"]: bundle.files[entry["file"]] for entry in others}
    mine = []
    for candidate in passed:
        file = f"network.{precision}.{candidate.runtime}.onnx"
        graphs[file] = candidate.graph
        mine.append(
            {
                "precision": precision,
                "runtime": candidate.runtime,
                "file": file,
                "tolerance": candidate.tolerance,
                "report": {**candidate.report.document(), "kept_in_float32": list(candidate.kept)},
            }
        )
    document["precisions"] = [*others, *mine]
    card = bundle.files[MODEL_CARD].decode().partition(_CARD)[0]
    write_bundle(
        folder,
        document,
        network=bundle.files[NETWORK],
        golden=bundle.arrays(GOLDEN),
        reference=bundle.arrays(REFERENCE),
        model_card=card + _card(document["precisions"]),
        variants=graphs,
        denoiser=carried_denoiser(bundle),
    )


def _card(precisions: list[dict[str, object]]) -> str:
    rows = [_CARD, "| precision | runtime | largest change of risk | IoU loss | AUC loss | measured on |"]
    rows += ["|---|---|---:|---:|---:|---|"]
    for entry in precisions:
        report = entry["report"]
        assert isinstance(report, dict)
        f = report["figures"]
        rows.append(
            f"| {entry['precision']} | {entry['runtime']} | {f['risk_max']:.4f} | {f['iou_loss']:.4f} | "
            f"{f['auc_loss']:.4f} | {report['measured_on']} |"
        )
    return "\n".join([*rows, ""])


def print_table(candidates: list[Candidate]) -> None:
    """Every figure beside its limit; what is beyond it is marked."""
    precision = candidates[0].report.precision
    table = Table(
        title=f"{precision} against float32, {candidates[0].report.measured_on}", caption=RESEARCH_USE
    )
    for column in ("", *(c.runtime for c in candidates), "limit"):
        table.add_column(column, justify="right" if column else "left")
    limits = vars(LIMITS[precision])
    for name in candidates[0].report.figures:
        marked = [
            f"{c.report.figures[name]:.4f}" + (" BEYOND" if name in c.report.beyond else "")
            for c in candidates
        ]
        table.add_row(name, *marked, f"{limits[name]:g}")
    for name in candidates[0].report.also:
        table.add_row(name, *(f"{c.report.also[name]:.4g}" for c in candidates), "")
    table.add_row("nodes left in float32", *(str(len(c.kept)) for c in candidates), "")
    table.add_row("passed", *("no" if c.report.beyond else "yes" for c in candidates), "")
    Console().print(table)
