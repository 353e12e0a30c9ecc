"""`export-model engine`: TensorRT engines of a bundle's networks, built on the device. Needs no torch."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from export.build_engine import Progress, build
from export.half import to_half
from scanside.errors import BundleError, SettingError
from scanside.facts import ClinicalRecord, possible_inputs
from scanside.model.bundle import DENOISER, NETWORK, Bundle, load_bundle
from scanside.runtime.cuda import Cuda
from scanside.runtime.engine import DENOISER_PRECISION, PRECISIONS, Engine, holds, write_engine
from scanside.runtime.tensorrt_module import load_module

MAX_BATCH = 64  # what the networks are exported for


@dataclass(frozen=True)
class Built:
    """One engine of the cache.

    Attributes:
        seconds: that its build took; None when it was there already.
    """

    path: Path
    engine: Engine
    size: int
    seconds: float | None


def build_engines(
    path: Path,
    cache: Path,
    precision: str,
    *,
    module_name: str | None = None,
    compute_capabilities: tuple[str, ...] = (),
    max_batch: int | None = None,
    progress: Callable[[str], Progress],
) -> list[Built]:
    """Build an engine of the network and of the denoiser of the bundle at `path`, or find it in `cache`.

    Args:
        precision: of the network, a key of PRECISIONS.
        module_name: "tensorrt" or "tensorrt-rtx"; the first that is installed when not given.
        compute_capabilities: of the GPUs to build for, as "8.6"; the GPU that is here when none is named.
        max_batch: largest batch; when not given, the number of risks that a scan without any known clinical
            fact has.
        progress: for each graph's name, what is told of its build.

    Raises:
        BundleError: no valid bundle, or it has no network of that precision.
        SettingError: a choice can't be had with this TensorRT, or the cache can't be written.
        RunnerError: no TensorRT, no GPU, or TensorRT failed.
    """
    bundle = load_bundle(path, allow_test_only=True)
    module = load_module(module_name)
    batch = _max_batch(bundle, max_batch)
    gpu = None if compute_capabilities else Cuda().gpu
    targets = tuple(dict.fromkeys(compute_capabilities)) if gpu is None else (gpu.compute_capability,)
    built = []
    height, width = bundle.manifest.input_size
    image, clinical = (1, height, width), bundle.manifest.clinical_inputs
    wanted = [(NETWORK, precision, batch, {"scan": image, "clinical": (len(clinical),)})]
    if bundle.manifest.denoiser is not None:
        wanted.append((DENOISER, DENOISER_PRECISION, 1, {"scan": image, "chroma": image}))
    for graph, its_precision, its_batch, shapes in wanted:
        engine = Engine(
            bundle=bundle.digest,
            graph=graph,
            precision=its_precision,
            module=module.name,
            version=module.version,
            gpu="" if gpu is None or module.is_rtx else gpu.name,
            compute_capabilities=targets,
            max_batch=its_batch,
        )
        found = cache / f"{engine.stem}.engine"
        if holds(cache, engine):
            built.append(Built(found, engine, found.stat().st_size, None))
            continue
        start = time.perf_counter()
        content = build(
            source_graph(bundle, graph, its_precision),
            module,
            max_batch=its_batch,
            shapes=shapes,
            compute_capabilities=() if gpu is not None else targets,
            timing_cache=cache / f"{module.name}-{module.version}.timing" if gpu is not None else None,
            progress=progress(graph),
        )
        try:
            written = write_engine(cache, engine, content)
        except OSError as error:
            raise SettingError(f"{cache} can't be written: {error.strerror}.") from error
        built.append(Built(written, engine, len(content), time.perf_counter() - start))
    return built


def source_graph(bundle: Bundle, graph: str, precision: str) -> bytes:
    """The ONNX graph that an engine of this precision is built from.

    What the bundle brings for TensorRT in this precision (manifest, `precisions`) comes first; FP16 can be
    made of FP32, INT8 can't: it takes images to calibrate.

    Raises:
        BundleError: the bundle has no such graph.
    """
    variant = bundle.manifest.variant(PRECISIONS[precision], "tensorrt")
    if variant is not None and graph == NETWORK != variant.file:
        return bundle.files[variant.file]
    if precision == "fp32":
        return bundle.files[graph]
    if precision == "fp16":
        return to_half(bundle.files[graph])
    raise BundleError(
        f"the bundle has no {graph} in {precision} for TensorRT, and it can't be made of FP32 here."
    )


def _max_batch(bundle: Bundle, given: int | None) -> int:
    if given is not None and not 1 <= given <= MAX_BATCH:
        raise SettingError(f"--max-batch is {given}; it must lie between 1 and {MAX_BATCH}.")
    return given or len(possible_inputs(ClinicalRecord(), bundle.manifest.clinical_inputs)[0])
