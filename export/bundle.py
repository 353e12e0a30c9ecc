"""Write a bundle: the files, and a manifest that names the SHA-256 of each. No torch is needed for it."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanside.model.bundle import (
    DENOISER,
    GOLDEN,
    GOLDEN_DENOISER,
    MANIFEST,
    MODEL_CARD,
    NETWORK,
    REFERENCE,
    SCHEMA,
    Bundle,
    load_bundle,
)
from scanside.model.signature import SIGNATURE

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class DenoiserPart:
    """The denoiser that goes into a bundle.

    Attributes:
        graph: ONNX.
        document: the manifest's `denoiser` (docs/bundle.md).
        golden: `in_<input>` and `out_<output>` arrays of its source checkpoint.
    """

    graph: bytes
    document: Mapping[str, Any]
    golden: Arrays


def carried_denoiser(bundle: Bundle) -> DenoiserPart | None:
    """The denoiser of a bundle, to go into another one."""
    if bundle.manifest.denoiser is None:
        return None
    document = bundle.manifest.document["denoiser"]
    return DenoiserPart(bundle.files[DENOISER], document, bundle.arrays(GOLDEN_DENOISER))


def write_bundle(
    folder: Path,
    document: Mapping[str, Any],
    *,
    network: bytes,
    golden: Arrays,
    reference: Arrays,
    model_card: str,
    denoiser: DenoiserPart | None = None,
    variants: Mapping[str, bytes] | None = None,
) -> Bundle:
    """Write a bundle into `folder` and load it back, so that an invalid one is never left unnoticed.

    Args:
        folder: made when missing; files of an older bundle are overwritten.
        document: the manifest without `schema` and `files` (docs/bundle.md).
        network: the ONNX graph.
        golden: `in_<input>` and `out_<output>` arrays of the source checkpoint.
        reference: the arrays of scanside.assess.gate.Reference.
        model_card: Markdown.
        denoiser: None when the bundle has none; what an older bundle in `folder` had is removed.
        variants: files by name of the network in other precisions, which `document["precisions"]` describes.

    Raises:
        BundleError: what was written is no valid bundle.
    """
    files = {
        NETWORK: network,
        GOLDEN: npz(golden),
        REFERENCE: npz(reference),
        MODEL_CARD: model_card.encode(),
        **(variants or {}),
    }
    carried: dict[str, Any] = {}
    if denoiser is not None:
        files |= {DENOISER: denoiser.graph, GOLDEN_DENOISER: npz(denoiser.golden)}
        requires = {*document.get("requires", ()), "denoiser"}
        carried = {"requires": sorted(requires), "denoiser": denoiser.document}
    manifest = {
        "schema": SCHEMA,
        **document,
        **carried,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for left in {SIGNATURE, DENOISER, GOLDEN_DENOISER} - set(files):  # of an older bundle
        (folder / left).unlink(missing_ok=True)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    return load_bundle(folder, allow_test_only=True)


def npz(arrays: Arrays) -> bytes:
    """The bytes of an .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # allow_pickle is no array
    return buffer.getvalue()
