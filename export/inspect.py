"""`export-model inspect`: what a bundle is, without running it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from export.graph import read_graph
from scanside import RESEARCH_USE
from scanside.errors import SettingError
from scanside.model.bundle import NETWORK, SCHEMA, Bundle, load_bundle
from scanside.model.signature import format_key, signer

_GOLDEN_SOURCES = {
    "checkpoint": "the source checkpoint",
    "given": "given with the network, not computed here",
    "runtime": "ONNX Runtime itself: it proves that runtimes agree, not that the export was right",
}


def inspect(path: Path) -> dict[str, Any]:
    """What `--json` prints (docs/bundle.md).

    Raises:
        BundleError: no valid bundle, or its signature does not fit.
    """
    bundle = load_bundle(path, allow_test_only=True)
    document = bundle.manifest.document
    golden = document["golden"]
    return {
        "name": bundle.manifest.name,
        "version": bundle.manifest.version,
        "digest": bundle.digest,
        "schema": document["schema"],
        "test_only": bundle.manifest.test_only,
        "licence": document.get("licence"),
        "intended_use": bundle.manifest.intended_use,
        "trained_on": bundle.manifest.trained_on,
        "input": document["input"],
        "classes": document["classes"],
        "threshold": document["threshold"],
        "max_distance": bundle.manifest.max_distance,
        "calibration": document.get("calibration"),
        "performance": document.get("performance"),
        "precisions": document.get("precisions", []),
        "denoiser": document.get("denoiser"),
        "golden": {"tolerance": golden["tolerance"], "source": golden.get("source", "checkpoint")},
        "signature": _signature(bundle, path),
        "graph": _graph(bundle),
        "files": {
            name: {"bytes": len(content), "sha256": document["files"][name]}
            for name, content in bundle.files.items()
        },
    }


def print_json(found: Mapping[str, Any]) -> None:
    print(json.dumps(found, indent=2))


def print_table(found: Mapping[str, Any]) -> None:
    table = Table(box=None, show_header=False, caption=RESEARCH_USE)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")  # a digest is of no use in part
    for name, text in _lines(found):
        # What a stranger wrote may hold a terminal's control sequences, or marks that turn text around.
        table.add_row(name, Text("".join(c if c.isprintable() else "?" for c in text)))
    Console().print(table)


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text, in the order in which a person asks."""
    yield "model", f"{found['name']} {found['version']}"
    if found["test_only"]:
        yield "", "made for tests: its risks mean nothing"
    yield "digest", found["digest"]
    yield "signature", _signature_text(found["signature"])
    yield "schema", found["schema"] + _newer(found["schema"])
    yield "licence", str(found["licence"] or "not said")
    yield "intended use", found["intended_use"]
    yield "trained on", found["trained_on"]
    size = found["input"]
    yield "input", f"{size['height']} x {size['width']} px; clinical: {', '.join(size['clinical']) or 'none'}"
    for index, known in enumerate(found["classes"]):
        yield "" if index else "classes", known["name"] + (" (malignant)" if known["malignant"] else "")
    threshold = found["threshold"]
    notes = [str(threshold[key]) for key in ("chosen", "provisional") if threshold.get(key)]
    yield "threshold", "; ".join([f"risk {threshold['risk']:.4f}", *notes])
    yield "measured on", str((found["performance"] or {}).get("measured_on", "not said"))
    for name, figure in (found["performance"] or {}).items():
        if isinstance(figure, Mapping):
            yield f"  {name}", _figure(figure)
    if found["denoiser"]:
        yield from _denoiser(found["denoiser"])
    tolerance = ", ".join(f"{value:g} in {name}" for name, value in found["golden"]["tolerance"].items())
    for index, other in enumerate(found["precisions"]):
        yield "" if index else "precisions", _precision(other)
    yield "golden case", f"from {_GOLDEN_SOURCES[found['golden']['source']]}; tolerance {tolerance}"
    graph = found["graph"]
    if graph["problem"]:
        yield "network", graph["problem"]
    else:
        yield "network", f"ONNX opset {graph['opset']}, IR version {graph['ir_version']}"
        for kind in ("inputs", "outputs"):
            for index, tensor in enumerate(graph[kind]):
                yield "" if index else f"  {kind}", tensor
    for name, file in found["files"].items():
        yield name, f"{file['sha256']}, {file['bytes']} bytes"


def _denoiser(denoiser: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "denoiser", f"trained on {denoiser['trained_on']}"
    yield "", f"replaces pixels above {denoiser['threshold']:g}, {denoiser['min_pixels']:g} px at least"
    yield "", f"a scan with more than {denoiser['max_share']:.0%} replaced is not scored"
    for name, figure in denoiser.get("figures", {}).items():
        if isinstance(figure, Mapping):
            yield f"  {name}", _figure(figure)


def _precision(other: Mapping[str, Any]) -> str:
    """The report is free text to a reader: what it lacks is not shown."""
    what = f"{other['precision']} for {other['runtime']}"
    figures = other["report"].get("figures")
    number = figures.get("risk_p99") if isinstance(figures, Mapping) else None
    if not isinstance(number, int | float):
        return what
    return (
        f"{what}: risk differs by {number:.4f} at the 99th percentile, {other['report'].get('measured_on')}"
    )


def _figure(figure: Mapping[str, Any]) -> str:
    value, low, high, images = (figure.get(key) for key in ("value", "low", "high", "n"))
    if not all(isinstance(number, int | float) for number in (value, low, high)):
        return f"not measured{': ' + str(figure['reason']) if figure.get('reason') else ''}"
    return f"{value:.3f} ({low:.3f} to {high:.3f}), {images} images"


def _newer(schema: str) -> str:
    if int(schema.partition(".")[2]) <= int(SCHEMA.partition(".")[2]):
        return ""
    return f", newer than this version's {SCHEMA}: what is new in it is not read"


def _signature(bundle: Bundle, path: Path) -> dict[str, str | None]:
    if bundle.signature is None:
        return {"state": "none", "key": None}
    try:
        key = signer(bundle.manifest_bytes, bundle.signature, str(path))
    except SettingError as problem:
        return {"state": f"not checked: {problem}", "key": None}
    return {"state": "fits", "key": format_key(key)}


def _signature_text(signature: Mapping[str, str | None]) -> str:
    if signature["key"]:
        return f"by the key {signature['key']}; whether to trust it, you decide"
    return str(signature["state"])


def _graph(bundle: Bundle) -> dict[str, Any]:
    try:
        graph = read_graph(bundle.files[NETWORK], NETWORK)
    except SettingError as problem:
        return {"problem": str(problem)}
    return {
        "problem": None,
        "opset": graph.opset,
        "ir_version": graph.ir_version,
        "inputs": [str(tensor) for tensor in graph.inputs],
        "outputs": [str(tensor) for tensor in graph.outputs],
    }
