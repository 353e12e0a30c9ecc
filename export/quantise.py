"""`export-model quantise`: another precision, let in by a report on held-out scans, or not at all."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from rich.console import Console
from rich.table import Table

from export.acceptance import LIMITS
from export.bundle import carried_denoiser, npz, write_bundle
from export.candidate import Candidate, Judged, make_candidate
from export.half import to_half
from export.int8 import calibrate, layers, to_int8, widened
from export.scans import Parts
from export.search import nodes_to_keep
from scanside import RESEARCH_USE
from scanside.command import say
from scanside.errors import RunnerError, SettingError
from scanside.model.bundle import GOLDEN, MODEL_CARD, NETWORK, REFERENCE, Bundle, load_bundle

RUNTIMES = {"float16": ("tensorrt",), "int8": ("onnxruntime", "tensorrt")}
_LAYERS = 18  # groups that the search tells apart
_GLANCE = 8  # scans that put layers in order, half of them malignant
_CARD = "\n## Other precisions\n"


class NonePassed(RunnerError):
    """No graph keeps within its limits; `candidates` are those that were judged in the end."""

    def __init__(self, message: str, candidates: list[Candidate]) -> None:
        super().__init__(message)
        self.candidates = candidates


def quantise(source: Path, read: Callable[[Bundle], Parts], precision: str, folder: Path) -> list[Candidate]:
    """Write the bundle at `source`, with the network in `precision` beside it, into `folder`.

    Args:
        read: the scans to quantise with, as the network of the bundle gets them.
        precision: a key of RUNTIMES.

    Returns:
        Every graph that was made; only those whose report passed are in the bundle.

    Raises:
        SettingError: `folder` exists, or the network reads clinical facts, which MMOTU has not.
        NonePassed: no graph keeps within its limits; nothing is written.
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
        raise NonePassed(
            f"no {precision} network keeps within its limits. Nothing is written; float32 serves.", candidates
        )
    _write(bundle, passed, folder)
    return candidates


def _candidates(bundle: Bundle, parts: Parts, precision: str) -> Iterator[Candidate]:
    held_out = Judged(bundle, parts.held_out, precision)
    if precision == "float16":
        half = onnx.load_from_string(to_half(bundle.files[NETWORK]))
        yield make_candidate(bundle, "tensorrt", half, (), held_out)
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
    select, glance = (Judged(bundle, scans, precision) for scans in (selection, glanced_at))
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
        yield make_candidate(bundle, runtime, to_int8(model, ranges, runtime, kept), kept, held_out)


def _write(bundle: Bundle, passed: list[Candidate], folder: Path) -> None:
    document = {k: v for k, v in bundle.manifest.document.items() if k not in ("schema", "files")}
    precision = passed[0].report.precision
    others = [entry for entry in document.get("precisions", ()) if entry["precision"] != precision]
    names = {v.file for v in bundle.manifest.variants if v.precision != precision}
    names |= {v.golden.file for v in bundle.manifest.variants if v.golden and v.precision != precision}
    files = {name: bundle.files[name] for name in names - {NETWORK}}
    mine = []
    for candidate in passed:
        if candidate.file != NETWORK:
            files[candidate.file] = candidate.graph
        entry = {
            "precision": precision,
            "runtime": candidate.runtime,
            "file": candidate.file,
            "tolerance": candidate.tolerance,
            "report": {**candidate.report.document(), "kept_in_float32": list(candidate.kept)},
        }
        if candidate.own:
            files[candidate.own_file] = npz(candidate.own)
            entry["golden"] = {"file": candidate.own_file, "tolerance": candidate.own_tolerance}
        mine.append(entry)
    document["precisions"] = [*others, *mine]
    card = bundle.files[MODEL_CARD].decode().partition(_CARD)[0]
    write_bundle(
        folder,
        document,
        network=bundle.files[NETWORK],
        golden=bundle.arrays(GOLDEN),
        reference=bundle.arrays(REFERENCE),
        model_card=card + _card(document["precisions"]),
        variants=files,
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
