"""TensorRT engines on disk: each beside a record (JSON) of all that decides whether it fits a machine.

An engine fits one bundle, one precision, one version of TensorRT and one kind of GPU. It is made on the
device (`export-model engine`), never shipped. What does not fit is refused, with what and why.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from scanside.errors import RunnerError
from scanside.runtime.tensorrt_module import TensorRtModule

# As people call a precision on the command line -> as a manifest's tolerances do.
PRECISIONS = {"fp32": "float32", "fp16": "float16", "int8": "int8"}
# A denoiser's threshold and figures are FP32's: which pixels it replaces must not hang on the precision.
DENOISER_PRECISION = "fp32"
MAX_ENGINE_BYTES = 4 << 30
_MAX_RECORD_BYTES = 1 << 16
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Gpu:
    """A GPU as CUDA describes it: "Orin", "8.7"."""

    name: str
    compute_capability: str


@dataclass(frozen=True)
class Engine:
    """What an engine was made of and for: its record, and so its place in the cache.

    Attributes:
        bundle: digest of the bundle.
        graph: file name of the network in the bundle.
        precision: a key of PRECISIONS.
        module, version: the TensorRT that built it, and the only one that can load it.
        gpu: name of the only GPU it fits; empty for any of its compute capabilities.
        compute_capabilities: of the GPUs it fits.
        max_batch: largest batch of its optimisation profile, which begins at 1.
    """

    bundle: str
    graph: str
    precision: str
    module: str
    version: str
    gpu: str
    compute_capabilities: tuple[str, ...]
    max_batch: int

    @property
    def stem(self) -> str:
        """Name of its two files, without `.engine` and `.json`."""
        targets = [self.gpu, *(f"sm{capability}" for capability in self.compute_capabilities)]
        parts = (Path(self.graph).stem, self.bundle[:12], self.precision, self.module, self.version, *targets)
        name = "-".join(re.sub(r"[^A-Za-z0-9._]+", "_", part) for part in parts if part)
        return f"{name}-b{self.max_batch}"

    def misfit(self, module: TensorRtModule, gpu: Gpu) -> str | None:
        """Why it can't run here; None when it can."""
        if (self.module, self.version) != (module.name, module.version):
            return f"it is of {self.module} {self.version}, here is {module.name} {module.version}"
        if self.gpu and self.gpu != gpu.name:
            return f"it was built on the GPU {self.gpu}, here is {gpu.name}"
        if gpu.compute_capability not in self.compute_capabilities:
            built = ", ".join(self.compute_capabilities)
            return f"it is for compute capability {built}, {gpu.name} has {gpu.compute_capability}"
        return None


def write_engine(folder: Path, engine: Engine, content: bytes) -> Path:
    """Keep an engine; the record is written last, so that no half of one is ever found.

    Returns:
        Path of the engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{engine.stem}.engine"
    record = {**asdict(engine), "sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").unlink(missing_ok=True)
    for target, data in ((path, content), (path.with_suffix(".json"), json.dumps(record, indent=2).encode())):
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(data)
        part.replace(target)
    return path


def find_engine(
    folder: Path, bundle: str, graph: str, precision: str, module: TensorRtModule, gpu: Gpu
) -> tuple[Engine, bytes]:
    """The engine in `folder` for this network on this machine; of several the one for the largest batch.

    Raises:
        RunnerError: there is none that fits, or it was altered. The message says why and how to build one.
    """
    command = f"Build it here: export-model engine BUNDLE --precision {precision} --cache {folder}"
    reasons = []
    fitting: list[tuple[Engine, str, Path]] = []
    for path, record in _records(folder):
        if isinstance(record, str):
            reasons.append(f"{path.name}: {record}")
            continue
        engine, sha256 = record
        if (engine.bundle, engine.graph, engine.precision) != (bundle, graph, precision):
            continue
        misfit = engine.misfit(module, gpu)
        if misfit:
            reasons.append(f"{path.name}: {misfit}")
        else:
            fitting.append((engine, sha256, path.with_suffix(".engine")))
    if not fitting:
        found = "; ".join(reasons) or f"there is none for {graph} of bundle {bundle[:12]} in {precision}"
        raise RunnerError(f"no engine in {folder} fits: {found}. {command}")
    engine, sha256, path = max(fitting, key=lambda entry: entry[0].max_batch)
    content = _intact(path, sha256)
    if content is None:
        raise RunnerError(f"{path} was altered: its SHA-256 is not the one in its record. {command}")
    return engine, content


def engines_of(folder: Path, bundle: str) -> list[Engine]:
    """What the records in `folder` name for this bundle, whether it fits here or not; each network and
    precision once."""
    found = (record[0] for _, record in _records(folder) if not isinstance(record, str))
    return list({(e.graph, e.precision): e for e in found if e.bundle == bundle}.values())


def holds(folder: Path, engine: Engine) -> bool:
    """Whether this very engine is in `folder`, whole."""
    path = folder / f"{engine.stem}.engine"
    try:
        found, sha256 = _parse(_content(path.with_suffix(".json"), _MAX_RECORD_BYTES) or b"")
    except (ValueError, RecursionError):
        return False
    return found == engine and _intact(path, sha256) is not None


def _records(folder: Path) -> Iterator[tuple[Path, tuple[Engine, str] | str]]:
    """Each record of the folder, or what is wrong with it."""
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, _parse(_content(path, _MAX_RECORD_BYTES) or b"")
        except (ValueError, RecursionError) as error:
            yield path, f"it is no record of an engine ({error})"


def _parse(raw: bytes) -> tuple[Engine, str]:
    document = json.loads(raw)
    if not isinstance(document, dict) or set(document) != {*(f.name for f in fields(Engine)), "sha256"}:
        raise ValueError("other keys than a record has")
    values: dict[str, Any] = dict(document)
    sha256, targets = values.pop("sha256"), values["compute_capabilities"]
    texts = [text for name, text in values.items() if name not in ("compute_capabilities", "max_batch")]
    if not (isinstance(targets, list) and all(isinstance(text, str) for text in [*texts, *targets, sha256])):
        raise ValueError("a value is no text")
    if type(values["max_batch"]) is not int or values["max_batch"] < 1:
        raise ValueError("max_batch is no whole number from 1")
    if not _SHA256.fullmatch(sha256):
        raise ValueError("sha256 is none")
    return Engine(**{**values, "compute_capabilities": tuple(targets)}), sha256


def _intact(path: Path, sha256: str) -> bytes | None:
    content = _content(path, MAX_ENGINE_BYTES)
    return content if content is not None and hashlib.sha256(content).hexdigest() == sha256 else None


def _content(path: Path, most: int) -> bytes | None:
    """The bytes of a regular file of at most `most`; None for anything else."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > most or not os.access(path, os.R_OK):
            return None
        return path.read_bytes()
    except OSError:
        return None
