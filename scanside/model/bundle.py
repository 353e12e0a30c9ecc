"""A model on disk: a folder of data (JSON, ONNX, arrays), every byte of it accounted for. No code in it.

    manifest.json   what the model is, what it was trained on, how well it does, SHA-256 of each file
    network.onnx    the multitask network
    golden.npz      inputs and outputs of the source checkpoint, to prove a runtime equal
    reference.npz   where the training data lie in the encoder's features (assess/gate.py)
    denoiser.onnx   takes annotations out of a scan first (assess/denoise.py); optional
    golden_denoiser.npz   its inputs and outputs likewise
    MODEL_CARD.md   the same for people
    manifest.sig    who made it (signature.py); optional

The same files in one .zip (zip.py) are a bundle too. The format is documented in docs/bundle.md.
"""

import hashlib
import io
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scanside.errors import BundleError, SettingError
from scanside.model.manifest import SCHEMA as SCHEMA
from scanside.model.manifest import Manifest as Manifest
from scanside.model.manifest import parse_manifest
from scanside.model.outside_data import needs_outside_data
from scanside.model.signature import SIGNATURE, check_signed
from scanside.model.zip import PLAIN_NAME, read_zip
from scanside.regular_file import read_regular

MANIFEST = "manifest.json"
NETWORK = "network.onnx"
GOLDEN = "golden.npz"
REFERENCE = "reference.npz"
DENOISER = "denoiser.onnx"
GOLDEN_DENOISER = "golden_denoiser.npz"
MODEL_CARD = "MODEL_CARD.md"
MAX_FILE_BYTES = 1 << 30

DEFAULT_BUNDLE = Path(__file__).with_name("default")

Read = Callable[[str], bytes | None]  # content of a file of the bundle; None: there is none


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: the bytes that were hashed are the bytes that are used.

    Attributes:
        manifest: what the model is.
        digest: SHA-256 of manifest.json, which names the SHA-256 of every other file.
        files: content by file name, of all that the manifest lists.
        manifest_bytes: content of manifest.json.
        signature: content of manifest.sig; None when there is none. Checked only against trusted keys.
    """

    manifest: Manifest
    digest: str
    files: Mapping[str, bytes] = field(repr=False)
    manifest_bytes: bytes = field(repr=False)
    signature: bytes | None = field(repr=False)

    def graph(self, precision: str = "float32") -> bytes:
        """The ONNX graph for ONNX Runtime on the CPU.

        Raises:
            SettingError: the bundle has no such precision for it.
        """
        if precision == "float32":
            return self.files[NETWORK]
        variant = self.manifest.variant(precision, "onnxruntime")
        if variant is None:
            has = ["float32", *(v.precision for v in self.manifest.variants if v.runtime == "onnxruntime")]
            raise SettingError(
                f"the model has no {precision} network for onnxruntime; it has {', '.join(has)}. Name one of "
                "these in the setting runtimes, or make one with: export-model quantise"
            )
        return self.files[variant.file]

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


def load_bundle(path: Path, *, allow_test_only: bool = False, trusted_keys: Collection[bytes] = ()) -> Bundle:
    """Read and verify the bundle at `path`, a folder or a .zip file.

    Args:
        trusted_keys: Ed25519 public keys (32 bytes each); where there are any, one must have signed it.

    Raises:
        BundleError: it is missing, incomplete, altered, not signed by a trusted key, or of a schema that this
            version can't read.
        SettingError: keys are given, and the library that checks signatures is not installed.
    """
    read = _reader(path)
    raw = _present(read(MANIFEST), path, MANIFEST)
    signature = read(SIGNATURE)
    if trusted_keys:  # first: nothing of what a stranger wrote is interpreted
        check_signed(raw, signature, trusted_keys, str(path))
    manifest = parse_manifest(raw, str(path / MANIFEST))
    if manifest.test_only and not allow_test_only:
        raise BundleError(f"{path} is a bundle for tests; its risks mean nothing. Use another bundle.")
    files = {}
    for name, sha256 in manifest.document["files"].items():
        if not PLAIN_NAME.fullmatch(name):
            raise BundleError(f"{path / MANIFEST} names a file outside the bundle: {name!a}.")
        content = _present(read(name), path, name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BundleError(
                f"{path / name} was altered: its SHA-256 is not the one in {MANIFEST}. "
                "Install or export the bundle again."
            )
        if name.endswith(".onnx"):
            _check_whole(content, path, name)
        files[name] = content
    wanted = {NETWORK, GOLDEN, REFERENCE, MODEL_CARD, *(v.file for v in manifest.variants)}
    wanted |= {v.golden.file for v in manifest.variants if v.golden is not None}
    missing = (wanted | ({DENOISER, GOLDEN_DENOISER} if manifest.denoiser else set())) - set(files)
    if missing:
        raise BundleError(f"{path / MANIFEST} does not list {', '.join(sorted(map(ascii, missing)))}.")
    return Bundle(manifest, hashlib.sha256(raw).hexdigest(), files, raw, signature)


def _reader(path: Path) -> Read:
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError) as error:
        raise _unreadable(path, "it", getattr(error, "strerror", None) or str(error)) from error
    return (lambda name: _read(path, name)) if is_folder else read_zip(path).get


def _read(folder: Path, name: str) -> bytes | None:
    path = folder / name
    try:
        content = read_regular(path, MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(folder, name, error.strerror or str(error)) from error
    if len(content) > MAX_FILE_BYTES:
        raise BundleError(f"{path} is larger than {MAX_FILE_BYTES} bytes: not a bundle of scanside.")
    return content


def _check_whole(graph: bytes, path: Path, name: str) -> None:
    """Refuse a graph that needs what no digest covers; what is no graph at all, no runtime will open."""
    try:
        outside = needs_outside_data(graph)
    except ValueError:
        return
    if outside:
        raise BundleError(
            f"{path / name} needs {outside}, which no SHA-256 of the bundle covers. "
            "Save the network as one file: onnx.save(model, path)."
        )


def _present(content: bytes | None, path: Path, name: str) -> bytes:
    if content is None:
        raise _unreadable(path, name, "there is none")
    return content


def _unreadable(path: Path, name: str, why: str) -> BundleError:
    return BundleError(
        f"no bundle at {path}: {name} can't be read ({why}). Check the path or export the bundle again."
    )
