"""Values from outside -> typed, bounded fields of frozen dataclasses, or an error that names the field."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import Field, field, fields, is_dataclass
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from scanside.errors import SettingError

T = TypeVar("T")


def bounded_field(
    default: T, low: float | None = None, high: float | None = None, *, above: float | None = None
) -> T:
    """Make a dataclass field of numbers from `low` to `high`, or above `above`; `check_fields` holds it."""
    return field(default=default, metadata={"low": low, "high": high, "above": above})


def check_fields(instance: Any) -> None:
    """Hold every field of `instance` against its annotation and its bounds.

    Raises:
        SettingError: a field is of another type, not finite, or out of its bounds.
    """
    kinds = get_type_hints(type(instance))
    for declared in fields(instance):
        value = getattr(instance, declared.name)
        if not is_dataclass(value):
            _check_type(value, kinds[declared.name], declared.name)
        for number in value if isinstance(value, tuple) else (value,):
            _check_bounds(number, declared)


def build_from_mapping(kind: type[T], content: object, where: str = "") -> T:
    """Build a dataclass from what JSON gave: every field, and no other.

    Raises:
        SettingError: a key is missing, unknown, or of a wrong type or value.
    """
    if not isinstance(content, Mapping):
        raise SettingError(f"{where or 'the configuration'} is not a table of names and values.")
    kinds = get_type_hints(kind)
    given = set(content)
    if given != set(kinds):
        odd = sorted(map(str, given ^ set(kinds)))
        raise SettingError(f"{where or 'the configuration'}: missing or unknown: {', '.join(odd)}.")
    values = {
        name: build_from_mapping(inner, content[name], f"{where}{name}.")
        if isinstance(inner, type) and is_dataclass(inner)
        else _check_type(content[name], inner, f"{where}{name}")
        for name, inner in kinds.items()
    }
    return kind(**values)


def parse_value(kind: Any, text: str, where: str) -> Any:
    """Parse a field's value as a person writes it: 1e-4, true, focal, or 256,64 for a list (empty: none).

    Raises:
        SettingError: `text` is not a value of `kind`.
    """
    if get_origin(kind) is tuple:
        parts = text.split(",") if text else []
        return tuple(parse_value(get_args(kind)[0], part.strip(), where) for part in parts)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return _check_type(kind(text) if kind in (int, float) else text, kind, where)
    except (KeyError, ValueError):
        raise _make_error(text, kind, where) from None


def find_near(name: str, known: list[str]) -> str:
    """Find dotted names of `known` that `name` may have meant; the sections where none is like it."""
    last = name.rpartition(".")[2]
    same = [dotted for dotted in known if dotted.rpartition(".")[2] == last]
    sections = dict.fromkeys(dotted.partition(".")[0] + ".*" for dotted in known)
    return ", ".join(same or difflib.get_close_matches(name, known, n=3) or sections)


def _check_type(value: Any, kind: Any, where: str) -> Any:
    if get_origin(kind) is Literal:
        fits = isinstance(value, str) and value in get_args(kind)
    elif get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise _make_error(value, kind, where)
        return tuple(_check_type(part, get_args(kind)[0], where) for part in value)
    elif kind is float:
        try:
            fits = type(value) in (int, float) and math.isfinite(float(value))
        except OverflowError:  # a whole number beyond any float
            fits = False
        value = float(value) if fits else value
    else:
        fits = type(value) is kind
    if not fits:
        raise _make_error(value, kind, where)
    return value


def _make_error(value: object, kind: Any, where: str) -> SettingError:
    return SettingError(f"{where} = {str(value)[:40]!r}: give {_describe_kind(kind)}.")


def _describe_kind(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of: " + ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return f"{_describe_kind(get_args(kind)[0])}, or several with commas between"
    return {int: "a whole number", float: "a finite number", bool: "true or false", str: "a text"}[kind]


def _check_bounds(value: Any, declared: Field[Any]) -> None:
    low, high, above = (declared.metadata.get(name) for name in ("low", "high", "above"))
    if low is not None and value < low:
        raise SettingError(f"{declared.name} = {value}: give at least {low}.")
    if high is not None and value > high:
        raise SettingError(f"{declared.name} = {value}: give at most {high}.")
    if above is not None and value <= above:
        raise SettingError(f"{declared.name} = {value}: give more than {above}.")
