"""A bundle is used only when every byte of it is what its manifest says."""

import hashlib
import io
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scanside.errors import BundleError
from scanside.model.bundle import GOLDEN, MANIFEST, MODEL_CARD, NETWORK, REFERENCE, Bundle, load_bundle
from tests.synth.bundle import make_bundle

FILES = (NETWORK, GOLDEN, REFERENCE, MODEL_CARD)


@pytest.fixture
def folder(bundle_folder: Path, tmp_path: Path) -> Path:
    """A copy of the test bundle, to be spoilt."""
    return Path(shutil.copytree(bundle_folder, tmp_path / "bundle"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    change(document)
    (folder / MANIFEST).write_text(json.dumps(document))


def replace(folder: Path, name: str, content: bytes) -> None:
    """Put another file in, and its SHA-256 into the manifest, as an attacker would."""
    (folder / name).write_bytes(content)
    edit(folder, lambda d: d["files"].update({name: hashlib.sha256(content).hexdigest()}))


def refuse(folder: Path, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        load_bundle(folder, allow_test_only=True)


def test_valid(folder: Path) -> None:
    bundle = load_bundle(folder, allow_test_only=True)
    assert bundle.manifest.test_only and bundle.manifest.input_size == (84, 136)
    assert bundle.manifest.clinical_inputs == ("menopausal_status", "oncology_centre")
    assert set(bundle.files) == set(FILES)
    assert bundle.digest == hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def test_a_test_bundle_is_no_model(folder: Path) -> None:
    with pytest.raises(BundleError, match="for tests; its risks mean nothing"):
        load_bundle(folder)


@pytest.mark.parametrize("name", FILES)
def test_one_altered_byte(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    refuse(folder, f"{name} was altered")


@pytest.mark.parametrize("name", (*FILES, MANIFEST))
def test_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refuse(folder, f"{name} can't be read")


@pytest.mark.parametrize("name", FILES)
def test_unlisted_file(folder: Path, name: str) -> None:
    edit(folder, lambda d: d["files"].pop(name))
    refuse(folder, f"does not list '{name}'")


def test_no_folder(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", "no bundle at .*nowhere")


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "sub/file", "..", "."])
def test_a_name_that_leads_out(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_bytes(b"secret")
    edit(folder, lambda d: d["files"].update({name: hashlib.sha256(b"secret").hexdigest()}))
    refuse(folder, "outside the bundle|can't be read")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="2.0"), "schema is 2.0, this version reads 1.0"),
        (lambda d: d.pop("schema"), "not a valid manifest"),
        (lambda d: d.pop("threshold"), "not a valid manifest"),
        (lambda d: d.update(files=7), "not a valid manifest"),
        (lambda d: d.update(files=None), "not a valid manifest"),
        (lambda d: d["input"].update(height="tall"), "not a valid manifest"),
        (lambda d: d["threshold"].update(risk=1.5), "between 0 and 1"),
        (lambda d: d["threshold"].update(risk=float("nan")), "between 0 and 1"),
        (lambda d: d["classes"].pop(), "both malignant and benign"),
        (lambda d: d["reference"].update(max_distance=None), "not a valid manifest"),
        (lambda d: d["reference"].update(max_distance=float("inf")), "between 0 and 1000"),
        (lambda d: d["input"].update(width=0), "not possible"),
        (lambda d: d["golden"].update(tolerance=[1e-4]), "not a valid manifest"),
        (lambda d: d["golden"].update(tolerance={"gloat32": 1e-4}), "golden.tolerance.float32 is missing"),
    ],
)
def test_manifest_that_is_none(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(folder, change)
    refuse(folder, message)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_manifest_that_is_no_json_object(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    refuse(folder, "not a valid manifest")


class Payload:
    """Unpickling it would touch a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_pickled_arrays_are_not_unpickled(folder: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    buffer = io.BytesIO()
    array = np.empty(1, object)
    array[0] = Payload(touched)
    np.savez(buffer, mean=array, whitening=np.eye(5))
    for content in (buffer.getvalue(), pickle.dumps(Payload(touched)), b"no archive"):
        replace(folder, REFERENCE, content)
        bundle = load_bundle(folder, allow_test_only=True)
        with pytest.raises(BundleError, match=f"{REFERENCE} of the bundle can't be read"):
            bundle.arrays(REFERENCE)
    assert not touched.exists()


def test_arrays(folder: Path) -> None:
    arrays = load_bundle(folder, allow_test_only=True).arrays(REFERENCE)
    assert {name: (a.shape, a.dtype.name) for name, a in arrays.items()} == {
        "mean": ((5,), "float32"),
        "whitening": ((5, 5), "float32"),
    }


@pytest.mark.parametrize("name", ["denoiser.onnx", "golden_denoiser.npz"])
def test_a_denoiser_that_is_named_has_to_be_there(name: str, with_denoiser: Bundle, tmp_path: Path) -> None:
    for file, content in with_denoiser.files.items():
        (tmp_path / file).write_bytes(content)
    (tmp_path / MANIFEST).write_bytes(with_denoiser.manifest_bytes)
    assert load_bundle(tmp_path, allow_test_only=True).digest == with_denoiser.digest
    edit(tmp_path, lambda d: d["files"].pop(name))
    refuse(tmp_path, f"does not list '{name}'")


def test_a_bundle_written_over_one_with_a_denoiser_keeps_nothing_of_it(
    bundle: Bundle, tmp_path: Path
) -> None:
    make_bundle(tmp_path, denoiser=True)
    assert make_bundle(tmp_path) and load_bundle(tmp_path, allow_test_only=True).digest == bundle.digest
    assert not (tmp_path / "denoiser.onnx").exists() and not (tmp_path / "golden_denoiser.npz").exists()
