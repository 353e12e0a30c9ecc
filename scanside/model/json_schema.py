"""The part of JSON Schema (draft 2020-12) that manifest.schema.json uses, and nothing else of it.

The library `jsonschema` would bring a compiled dependency onto every edge; the tests compare this with it.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

ANNOTATIONS = frozenset({"$schema", "title", "description"})
KEYWORDS = ANNOTATIONS | {
    *("type", "enum", "required", "properties", "additionalProperties", "items", "pattern", "minLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_SHOWN = 60  # characters of a value from outside that a message repeats


def problems(value: object, schema: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """Why `value` does not fit `schema`, one sentence each, without a full stop.

    Args:
        value: what json.loads gave.
        schema: uses KEYWORDS alone.
        name: of the value, as in "threshold.risk"; empty for the whole document.
    """
    called = name or "the document"
    kind, is_kind = _KINDS.get(schema.get("type", ""), ("", _anything))
    if not is_kind(value):
        yield f"{called} must be {kind}, not {_short(value)}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{called} is {_short(value)}; it must be one of {', '.join(schema['enum'])}"
    elif isinstance(value, dict):
        yield from _problems_of_object(value, schema, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{called}[{index}]")
    elif isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield f"{called} is empty"
        elif "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
            yield f"{called} is {_short(value)}, which is not of the form {schema['pattern']}"
    elif isinstance(value, int | float) and schema.get("type") in ("number", "integer"):
        yield from _problems_of_number(value, schema, called)


def _problems_of_object(value: Mapping[str, object], schema: Mapping[str, Any], name: str) -> Iterator[str]:
    prefix = f"{name}." if name else ""
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{prefix}{key} is missing"
    for key, item in value.items():
        inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", {}))
        yield from problems(item, inner, prefix + (key if key.isidentifier() else _short(key)))


def _problems_of_number(value: float, schema: Mapping[str, Any], called: str) -> Iterator[str]:
    largest = sys.float_info.max  # Python's json reads NaN and Infinity, which are no JSON
    low, high = schema.get("minimum", -largest), schema.get("maximum", largest)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low <= value <= high and (above is None or value > above) and (below is None or value < below):
        return
    if below is not None:
        must = f"lie between {above} and {below}"
    elif above is not None:
        must = f"be above {above}, and finite"
    else:
        must = f"lie from {low:g} to {high:g}"
    yield f"{called} is {_short(value)}: not possible, it must {must}"


def _anything(_: object) -> bool:
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return _is_number(value) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


_KINDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "object": ("an object", lambda value: isinstance(value, dict)),
    "array": ("a list", lambda value: isinstance(value, list)),
    "string": ("a text", lambda value: isinstance(value, str)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "number": ("a number", _is_number),
    "integer": ("a whole number", _is_integer),
}


def _short(value: object) -> str:
    """What a message repeats of a value: ASCII, so that it can't move a terminal's cursor, and not much."""
    try:
        text = ascii(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a document without end
        return "too much to show"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
