"""manifest.json: read, checked against manifest.schema.json, and refused when it asks for what is not known.

Versions are "major.minor". A minor version only adds keys: an older one is read as it is, of a newer one
what is unknown is ignored, unless its `requires` says that ignoring it would be wrong.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scanside.errors import BundleError
from scanside.image import Size
from scanside.model.json_schema import problems

SCHEMA, OLDEST_SCHEMA = "1.3", "1.0"
SCHEMA_FILE = Path(__file__).with_name("manifest.schema.json")
UNDERSTOOD = frozenset({"denoiser"})  # what `requires` may name


@dataclass(frozen=True)
class ModelClass:
    """One output class of the network and whether it counts as malignant."""

    name: str
    malignant: bool


@dataclass(frozen=True)
class DenoiserLimits:
    """When a denoiser is believed, and when it is not.

    Attributes:
        threshold: annotation probability above which a pixel is replaced.
        min_pixels: fewer such pixels of the network's input are none.
        max_share: of the network's input; a scan in which more would be replaced is not scored.
    """

    threshold: float
    min_pixels: int
    max_share: float


@dataclass(frozen=True)
class OwnGolden:
    """What a network in another precision gives itself.

    Attributes:
        file: name of the golden case in the bundle.
        tolerance: how far another machine may be from it, mean absolute difference by output.
    """

    file: str
    tolerance: Mapping[str, float]


@dataclass(frozen=True)
class Variant:
    """The network in another precision, for one runtime.

    Attributes:
        precision: "float16" or "int8".
        runtime: "onnxruntime" (the CPU) or "tensorrt".
        file: name of the graph in the bundle; of FP16 for TensorRT that of the network itself, of which it is
            made when an engine is built.
        tolerance: largest absolute difference to the golden outputs, by output.
        golden: its own golden case; None where it has none, and before schema 1.3.
    """

    precision: str
    runtime: str
    file: str
    tolerance: Mapping[str, float]
    golden: OwnGolden | None = None


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
        variants: the network in other precisions; empty before schema 1.2.
        test_only: made for tests; the programs refuse it unless told otherwise.
        denoiser: limits of the denoiser that every scan goes through first; None where there is none.
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
    variants: tuple[Variant, ...]
    test_only: bool
    denoiser: DenoiserLimits | None
    document: Mapping[str, Any] = field(repr=False)

    def variant(self, precision: str, runtime: str) -> Variant | None:
        """The graph made for `runtime` in `precision`, if there is one beside the network itself."""
        return next((v for v in self.variants if (v.precision, v.runtime) == (precision, runtime)), None)


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """Read and check the bytes of a manifest.

    Args:
        where: what messages call it.

    Raises:
        BundleError: it is none, or of a version that this one can't read.
    """
    return check_document(read_json(raw, where), where)


def check_document(document: Mapping[str, Any], where: str) -> Manifest:
    """The manifest that a JSON object is.

    Raises:
        BundleError: as `parse_manifest`.
    """
    _check_version(document.get("schema"), where)
    for problem in problems(document, json.loads(SCHEMA_FILE.read_bytes())):
        raise _invalid(where, problem)
    unknown = set(document.get("requires", ())) - UNDERSTOOD
    if unknown:
        raise BundleError(
            f"{where} requires {', '.join(sorted(map(ascii, unknown)))}, which this version of scanside "
            f"(bundle schema {SCHEMA}) does not know. Update scanside."
        )
    manifest = Manifest(
        name=document["name"],
        version=document["version"],
        intended_use=document["intended_use"],
        trained_on=document["training"]["summary"],
        input_size=Size(int(document["input"]["height"]), int(document["input"]["width"])),
        classes=tuple(ModelClass(c["name"], c["malignant"]) for c in document["classes"]),
        clinical_inputs=tuple(document["input"]["clinical"]),
        threshold=float(document["threshold"]["risk"]),
        max_distance=float(document["reference"]["max_distance"]),
        tolerance=_numbers(document["golden"]["tolerance"]),
        variants=tuple(map(_variant, document.get("precisions", ()))),
        test_only=document["test_only"],
        denoiser=_denoiser(document, where),
        document=document,
    )
    if not any(c.malignant for c in manifest.classes) or all(c.malignant for c in manifest.classes):
        raise _invalid(where, "it must name both malignant and benign classes")
    if len({c.name for c in manifest.classes}) < len(manifest.classes):  # results name them
        raise _invalid(where, "two classes have the same name")
    return manifest


def _variant(given: Mapping[str, Any]) -> Variant:
    own = given.get("golden")
    return Variant(
        given["precision"],
        given["runtime"],
        given["file"],
        _numbers(given["tolerance"]),
        None if own is None else OwnGolden(own["file"], _numbers(own["tolerance"])),
    )


def _numbers(given: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in given.items()}


def _denoiser(document: Mapping[str, Any], where: str) -> DenoiserLimits | None:
    given = document.get("denoiser")
    # Whoever passes the denoiser by scores other scans than those that the figures were measured on.
    if (given is not None) != ("denoiser" in document.get("requires", ())):
        raise _invalid(where, "`denoiser` and `denoiser` in `requires` belong together")
    if given is None:
        return None
    return DenoiserLimits(float(given["threshold"]), int(given["min_pixels"]), float(given["max_share"]))


def read_json(raw: bytes, where: str) -> dict[str, Any]:
    """A JSON object, no key of it given twice.

    Raises:
        BundleError: it is none.
    """
    try:
        document = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _invalid(where, f"{type(error).__name__}: {error}") from error
    if not isinstance(document, dict):
        raise _invalid(where, "it must be a JSON object")
    return document


def _check_version(schema: object, where: str) -> None:
    """Of a version that is no text or not given, the schema itself says what is wrong."""
    if isinstance(schema, str) and schema.partition(".")[0] != SCHEMA.partition(".")[0]:
        raise BundleError(
            f"{where}: the bundle's schema is {ascii(schema)[1:-1][:20]}, this version reads "
            f"{OLDEST_SCHEMA} to {SCHEMA}. "
            "Update scanside if the bundle is newer, export the bundle again if it is older."
        )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # a reader that takes the first would see another model than we do
        raise ValueError("a key is given twice")
    return found


def _invalid(where: str, problem: str) -> BundleError:
    return BundleError(f"{where} is not a valid manifest: {problem}. Export the bundle again.")
