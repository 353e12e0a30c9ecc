"""The schema that is shipped, its own small validator, and which versions are read."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanside.errors import BundleError
from scanside.model import json_schema
from scanside.model.bundle import DEFAULT_BUNDLE, MANIFEST
from scanside.model.manifest import SCHEMA, SCHEMA_FILE, DenoiserLimits, check_document, parse_manifest

RULES = json.loads(SCHEMA_FILE.read_text())
DEFAULT = json.loads((DEFAULT_BUNDLE / MANIFEST).read_text())
REFERENCE = jsonschema.Draft202012Validator(RULES)


def manifest(**changes: Any) -> dict[str, Any]:
    plain = {key: value for key, value in DEFAULT.items() if key not in ("denoiser", "requires")}
    return {**copy.deepcopy(plain), **changes}


def test_the_schema_is_one_and_uses_only_what_the_validator_knows() -> None:
    jsonschema.Draft202012Validator.check_schema(RULES)

    def keywords(rules: dict[str, Any]) -> set[str]:
        inner = [*rules.get("properties", {}).values()]
        inner += [rules[key] for key in ("items", "additionalProperties") if key in rules]
        return set(rules).union(*map(keywords, inner))

    assert keywords(RULES) <= json_schema.KEYWORDS


def test_the_default_bundle_fits(bundle_folder: Path) -> None:
    for document in (DEFAULT, json.loads((bundle_folder / MANIFEST).read_text())):
        REFERENCE.validate(document)
        assert list(json_schema.problems(document, RULES)) == []


@pytest.mark.parametrize("schema", ["1.0", "1.1", SCHEMA, "1.999"])
def test_minor_versions_are_read_and_what_is_unknown_is_ignored(schema: str) -> None:
    read = check_document(manifest(schema=schema, future={"key": 1}), "m")
    assert read.name == DEFAULT["name"] and read.document["future"] == {"key": 1}


@pytest.mark.parametrize("schema", ["0.9", "2.0", "10.0", "2", "two", "\x1b[2J"])
def test_major_versions_are_refused_with_what_to_do(schema: str) -> None:
    with pytest.raises(BundleError, match=r"this version reads 1\.0 to .* Update scanside") as refusal:
        check_document(manifest(schema=schema), "m")
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("schema", ["1", "1.", "1.x", "1.0\n", "1.0.0", 1.0, None, [], {"1": 0}])
def test_a_version_that_is_none(schema: object) -> None:
    with pytest.raises(BundleError, match="not a valid manifest: schema"):
        check_document(manifest(schema=schema), "m")


def test_a_newer_minor_version_that_must_be_understood_is_refused() -> None:
    assert check_document(manifest(schema="1.7", requires=[]), "m")
    with pytest.raises(BundleError, match=r"requires 'a-later-thing', which this version .* Update scanside"):
        check_document(manifest(schema="1.7", requires=["a-later-thing"]), "m")


DENOISER = {"threshold": 0.4, "min_pixels": 8, "max_share": 0.2, "trained_on": "t", "fingerprint": 64 * "0"}


def test_a_denoiser_is_read() -> None:
    read = check_document(manifest(denoiser=DENOISER, requires=["denoiser"]), "m")
    assert read.denoiser == DenoiserLimits(0.4, 8, 0.2)
    assert check_document(manifest(), "m").denoiser is None


@pytest.mark.parametrize("changes", [{"denoiser": DENOISER}, {"requires": ["denoiser"]}])
def test_a_denoiser_that_could_be_passed_by(changes: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="belong together"):
        check_document(manifest(**changes), "m")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("threshold", value) for value in (0, 1, -1, float("nan"), "0.4", None, True)),
        *(("min_pixels", value) for value in (0, -1, 1.5, 1e9, float("inf"))),
        *(("max_share", value) for value in (0, 1, float("nan"))),
        *(("fingerprint", value) for value in ("", "0" * 63, "G" * 64)),
    ],
)
def test_a_denoiser_with_impossible_limits(key: str, value: object) -> None:
    document = manifest(denoiser={**DENOISER, key: value}, requires=["denoiser"])
    with pytest.raises(BundleError, match=rf"denoiser\.{key}"):
        check_document(document, "m")


def test_a_key_given_twice() -> None:
    raw = json.dumps(DEFAULT).replace('"test_only": false', '"test_only": true, "test_only": false').encode()
    with pytest.raises(BundleError, match="a key is given twice"):
        parse_manifest(raw, "m")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    *[(key,) for key in (*DEFAULT, "requires")],
    *[
        (key, inner)
        for key in ("training", "input", "threshold", "reference", "golden")
        for inner in DEFAULT[key]
    ],
    ("classes", 0),
    ("classes", 0, "malignant"),
    ("golden", "tolerance", "float32"),
    ("golden", "source"),
    ("files", "golden.npz"),
]


@given(st.sampled_from(PATHS), JSON | st.integers(-2, 5000) | st.floats(-1, 2) | st.just("runtime"))
def test_the_validator_agrees_with_the_library_and_nothing_gets_past(
    path: tuple[Any, ...], value: object
) -> None:
    """But for NaN and infinities, which are no JSON and which the library lets pass."""
    document = manifest()
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    ours = list(json_schema.problems(document, RULES))
    assert all(problem.isprintable() for problem in ours)
    try:
        json.dumps(document, allow_nan=False)
    except ValueError:
        pass  # NaN somewhere
    else:
        assert bool(ours) == (not REFERENCE.is_valid(document)), ours
    try:
        read = check_document(document, "m")
    except BundleError:
        return
    assert 0 < read.threshold < 1 and 0 < read.max_distance < float("inf") and not ours


def test_classes_of_one_name_would_hide_each_other() -> None:
    classes = [{"name": "cyst", "malignant": malignant} for malignant in (False, True)]
    with pytest.raises(BundleError, match="two classes have the same name"):
        check_document(manifest(classes=classes), "m")


@pytest.mark.parametrize(
    ("place", "value"),
    [(("golden", "tolerance", "float32"), 0.9), (("reference", "max_distance"), 1e300)],
)
def test_a_limit_that_lets_everything_through_is_refused(place: tuple[str, ...], value: float) -> None:
    document = manifest()
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(BundleError, match=r"not possible, it must lie between 0 and (0\.05|1000)"):
        check_document(document, "m")
