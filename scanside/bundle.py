"""A model on disk: a folder of data (JSON, ONNX, arrays), every byte of it accounted for. No code in it.

    manifest.json   what the model is, what it was trained on, how well it does, SHA-256 of each file
    network.onnx    the multitask network
    golden.npz      inputs and outputs of the source checkpoint, to prove a runtime equal
    reference.npz   where the training data lie in the encoder's features (ood.py)
    MODEL_CARD.md   the same for people

The format is documented in docs/bundle.md.
"""

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanside.errors import BundleError
from scanside.scan.types import Size

SCHEMA = "1.0"
MANIFEST = "manifest.json"
NETWORK = "network.onnx"
GOLDEN = "golden.npz"
REFERENCE = "reference.npz"
MODEL_CARD = "MODEL_CARD.md"
MAX_FILE_BYTES = 1 << 30

DEFAULT_BUNDLE = Path(__file__).parent / "models" / "default"


@dataclass(frozen=True)
class ModelClass:
    """One output class of the network and whether it counts as malignant."""

    name: str
    malignant: bool


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    Attributes:
        name, version: of the model.
        intended_use: one sentence for people.
        trained_on: one sentence for people: which data, how many images.
        input_size: rows and columns of the network's input.
        classes: in the order of the network's output.
        clinical_inputs: names of the clinical facts that the network reads, in order; may be empty.
        threshold: risk from which a slide counts as malignant, 0 to 1.
        max_distance: feature distance above which a scan is unlike the training data.
        tolerance: largest absolute difference to the golden outputs, by precision.
        test_only: made for tests; the programs refuse it unless told otherwise.
        document: the whole manifest, for what people and later versions read.
    """

    name: str
    version: str
    intended_use: str
    trained_on: str
    input_size: Size
    classes: tuple[ModelClass, ...]
    clinical_inputs: tuple[str, ...]
    threshold: float
    max_distance: float
    tolerance: Mapping[str, float]
    test_only: bool
    document: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: the bytes that were hashed are the bytes that are used.

    Attributes:
        manifest: what the model is.
        digest: SHA-256 of manifest.json, which names the SHA-256 of every other file.
        files: content by file name.
    """

    manifest: Manifest
    digest: str
    files: Mapping[str, bytes] = field(repr=False)

    def arrays(self, name: str) -> dict[str, NDArray[np.float32]]:
        """The float32 arrays of one .npz file of the bundle.

        Raises:
            BundleError: the file holds something else.
        """
        try:
            with np.load(io.BytesIO(self.files[name]), allow_pickle=False) as archive:
                return {key: np.asarray(archive[key], np.float32) for key in archive.files}
        except Exception as error:
            raise BundleError(f"{name} of the bundle can't be read: {error}. Export it again.") from error


def load_bundle(folder: Path, *, allow_test_only: bool = False) -> Bundle:
    """Read and verify the bundle in `folder`.

    Raises:
        BundleError: it is missing, incomplete, altered, or of a schema that this version can't read.
    """
    raw = _read(folder, MANIFEST)
    try:
        document = json.loads(raw)
        files_listed = dict(document["files"])
        manifest = _manifest(document)
    except BundleError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BundleError(
            f"{folder / MANIFEST} is not a valid manifest ({type(error).__name__}: {error}). "
            "Export the bundle again."
        ) from error
    if manifest.test_only and not allow_test_only:
        raise BundleError(f"{folder} is a bundle for tests; its risks mean nothing. Use another bundle.")
    files = {}
    for name, sha256 in files_listed.items():
        if Path(name).name != name:
            raise BundleError(f"{folder / MANIFEST} names a file outside the bundle: {name!r}.")
        content = _read(folder, name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BundleError(
                f"{folder / name} was altered: its SHA-256 is not the one in {MANIFEST}. "
                "Install or export the bundle again."
            )
        files[name] = content
    missing = {NETWORK, GOLDEN, REFERENCE, MODEL_CARD} - set(files)
    if missing:
        raise BundleError(f"{folder / MANIFEST} does not list {', '.join(sorted(missing))}.")
    return Bundle(manifest, hashlib.sha256(raw).hexdigest(), files)


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BundleError(f"{path} is larger than {MAX_FILE_BYTES} bytes: not a bundle of scanside.")
        return path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"no bundle at {folder}: {name} can't be read ({error.strerror}). "
            "Check the path or export the bundle again."
        ) from error


def _manifest(document: dict[str, Any]) -> Manifest:
    schema = str(document["schema"])
    if schema.split(".")[0] != SCHEMA.split(".")[0]:
        raise BundleError(
            f"the bundle's schema is {schema}, this version reads {SCHEMA}. Update scanside or export again."
        )
    manifest = Manifest(
        name=str(document["name"]),
        version=str(document["version"]),
        intended_use=str(document["intended_use"]),
        trained_on=str(document["training"]["summary"]),
        input_size=Size(int(document["input"]["height"]), int(document["input"]["width"])),
        classes=tuple(ModelClass(str(c["name"]), bool(c["malignant"])) for c in document["classes"]),
        clinical_inputs=tuple(str(name) for name in document["input"]["clinical"]),
        threshold=float(document["threshold"]["risk"]),
        max_distance=float(document["reference"]["max_distance"]),
        tolerance={str(k): float(v) for k, v in document["golden"]["tolerance"].items()},
        test_only=bool(document["test_only"]),
        document=document,
    )
    if not 0 < manifest.threshold < 1:
        raise BundleError(f"the manifest's threshold is {manifest.threshold}: it must lie between 0 and 1.")
    if not 0 < manifest.max_distance < math.inf:
        raise BundleError(f"the manifest's max_distance is {manifest.max_distance}: it must be above 0.")
    if min(manifest.input_size) < 1:
        raise BundleError(f"the manifest's input size is {tuple(manifest.input_size)}: not possible.")
    if not any(c.malignant for c in manifest.classes) or all(c.malignant for c in manifest.classes):
        raise BundleError("the manifest must name both malignant and benign classes.")
    return manifest
