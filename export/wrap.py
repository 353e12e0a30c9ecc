"""`export-model wrap`: a network from elsewhere, as ONNX, becomes a bundle, if it is what the edge can run.

Nobody here has seen the source that it was exported from. Unless a golden case of that source is given, the
golden case is what ONNX Runtime makes of synthetic scans: it shows that another runtime or machine computes
the same, and not that the export was right. The manifest, the model card and `inspect` say so.
"""

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.bundle import write_bundle
from export.golden import golden_inputs
from export.graph import read_graph
from scanside import RESEARCH_USE
from scanside.assess.assessor import check_outputs
from scanside.assess.gate import Reference
from scanside.assess.golden import check_golden
from scanside.errors import BundleError, RunnerError, SettingError
from scanside.model.bundle import MAX_FILE_BYTES, NETWORK, SCHEMA, Bundle, Manifest
from scanside.model.manifest import check_document, read_json
from scanside.model.tensors import check_tensors
from scanside.regular_file import read_regular
from scanside.runtime.onnxruntime import OnnxRuntime

Arrays = dict[str, NDArray[np.float32]]

MAX_OPSET, MAX_IR = 21, 10  # what ONNX Runtime 1.20 reads, the oldest that the edge installs with
_TOLERANCE = {"float32": 1e-3}
_BATCHING = 1e-3  # largest difference between a scan alone and in a batch


def wrap(model: Path, like: Path, folder: Path, reference: Path | None, golden: Path | None) -> Bundle:
    """Make the bundle `folder` of the network `model`.

    Args:
        like: the manifest to be, written for this network, without `schema` and `files`.
        reference: .npz with `mean` and `whitening` of the network's features on its training images.
        golden: .npz with `in_*` and `out_*` arrays of the source; made with ONNX Runtime when not given.

    Raises:
        InputError: a file, or what it says, is not what a bundle needs.
        RunnerError: ONNX Runtime can't run the network, or what it gives is no probability.
    """
    if folder.exists():
        raise SettingError(f"{folder} exists and is left as it is. Choose another folder for --out.")
    if reference is None:
        raise SettingError(
            "--reference is missing: an .npz with `mean` and `whitening` of the network's features on its "
            "own training images. Without it nothing could tell a scan from what the network never saw; "
            "docs/bundle.md shows how it is made."
        )
    network = _content(model)
    document = _document(like, golden is not None)
    manifest = check_document({**document, "schema": SCHEMA, "files": {}}, str(like))
    _check_graph(network, model, manifest)
    runner = OnnxRuntime(network)
    inputs = golden_inputs(manifest.input_size, len(manifest.clinical_inputs))
    outputs = run_checked(runner, inputs, manifest)
    arrays = _arrays(reference)
    Reference(arrays).distance(outputs["features"][0])  # raises where they don't fit
    case = {f"in_{k}": v for k, v in inputs.items()} | {f"out_{k}": v for k, v in outputs.items()}
    if golden is not None:
        case = _arrays(golden)
        _check_golden_names(case, manifest, golden)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as part:
        made = Path(part) / "bundle"
        bundle = write_bundle(
            made, document, network=network, golden=case, reference=arrays, model_card=_card(document)
        )
        check_golden(bundle, runner)
        made.replace(folder)
    return bundle


def run_checked(runner: OnnxRuntime, inputs: Arrays, manifest: Manifest) -> Arrays:
    """What the network gives for a batch, if it is what the edge would accept, and the same scan by scan.

    Raises:
        RunnerError: it is not.
    """
    batch = len(inputs["scan"])
    outputs = runner.run(inputs)
    check_outputs(outputs, manifest, batch)
    if outputs["features"].ndim != 2 or not np.isfinite(outputs["features"]).all():
        raise RunnerError("the network's features are not (N, D) finite numbers.")
    for index in range(batch):
        alone = runner.run({name: values[index : index + 1] for name, values in inputs.items()})
        check_outputs(alone, manifest, 1)
        difference = float(np.abs(alone["class_probability"][0] - outputs["class_probability"][index]).max())
        if not difference <= _BATCHING:
            raise RunnerError(
                f"the network gives other probabilities for a scan alone than in a batch "
                f"(by {difference:.2g}). Export it in evaluation mode."
            )
    return outputs


def _document(like: Path, golden_given: bool) -> dict[str, Any]:
    document = read_json(_content(like), str(like))
    if "files" in document:
        raise BundleError(
            f"{like} is the manifest of a bundle: its training data, figures and threshold are another "
            "network's. Copy it, remove `files` and `schema`, and write what is true of yours."
        )
    if "denoiser" in document:
        raise BundleError(
            f"{like} names a denoiser; a network from elsewhere goes without one. Remove `denoiser`, and its "
            "name from `requires`."
        )
    given = document.get("golden")
    tolerance = given.get("tolerance", _TOLERANCE) if isinstance(given, Mapping) else _TOLERANCE
    document.pop("schema", None)
    document["golden"] = {"tolerance": tolerance, "source": "given" if golden_given else "runtime"}
    document.setdefault("test_only", False)
    return document


def _check_graph(network: bytes, path: Path, manifest: Manifest) -> None:
    graph = read_graph(network, str(path))
    if graph.external_data:
        raise BundleError(
            f"{path} keeps weights in other files. Save it as one file: onnx.save(model, path)."
        )
    if not 1 <= graph.opset <= MAX_OPSET or graph.ir_version > MAX_IR:
        raise BundleError(
            f"{path} is of ONNX opset {graph.opset}, IR version {graph.ir_version}; the edge's runtimes read "
            f"up to opset {MAX_OPSET}, IR version {MAX_IR}. Export it for an older one."
        )
    check_tensors(graph.inputs, graph.outputs, manifest, str(path))


def _check_golden_names(case: Arrays, manifest: Manifest, path: Path) -> None:
    wanted = {"in_scan", "out_class_probability", "out_lesion_probability", "out_features"}
    if manifest.clinical_inputs:
        wanted.add("in_clinical")
    if set(case) != wanted or not all(array.size for array in case.values()):
        raise BundleError(
            f"{path} must hold the arrays {', '.join(sorted(wanted))}, none empty, and no others."
        )


def _arrays(path: Path) -> Arrays:
    try:
        with np.load(io.BytesIO(_content(path)), allow_pickle=False) as archive:
            return {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except BundleError:
        raise
    except Exception as error:  # numpy's, zipfile's and zlib's
        raise BundleError(f"{path} is no .npz file of numbers. Write it with numpy.savez.") from error


def _content(path: Path) -> bytes:
    try:
        content = read_regular(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}. Check the path.") from error
    if len(content) > MAX_FILE_BYTES:
        raise BundleError(f"{path} is larger than {MAX_FILE_BYTES} bytes. Check the path.")
    return content


def _card(document: Mapping[str, Any]) -> str:
    source = document["golden"]["source"]
    return "\n".join(
        [
            f"# {document['name']} {document['version']}",
            "",
            f"**{RESEARCH_USE}** {document['intended_use']}",
            "",
            f"Trained on: {document['training']['summary']}.",
            "",
            f"Decision threshold: risk {document['threshold']['risk']}.",
            "",
            f"{NETWORK} was brought as ONNX from elsewhere. All that is said here and in manifest.json was",
            "said by who brought it; scanside checked names, shapes and that its outputs are probabilities.",
            "The golden case is of the source, as given."
            if source == "given"
            else "The golden case was made with ONNX Runtime: it does not show that the export was right.",
            "",
        ]
    )
