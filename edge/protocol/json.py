"""The types of edge/protocol as JSON and back, checked against their annotations."""

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_json(value: Any) -> str:
    """Write a value of edge/protocol as JSON.

    Raises:
        ValueError: a number in it is not finite, which JSON can't say.
    """
    return json.dumps(to_builtins(value), ensure_ascii=False, allow_nan=False)


def to_builtins(value: Any) -> Any:
    """Turn a value of edge/protocol into dicts, lists, texts and numbers; bytes become base64."""
    return msgspec.to_builtins(value, enc_hook=_encode_subclass)


def from_json(text: str | bytes, kind: type[T]) -> T:
    """Read a value of type `kind` from JSON; keys that it does not have are passed over.

    Raises:
        ValueError: it is no JSON, or a key is missing or of another type; the message names the key.
    """
    return msgspec.json.decode(text, type=kind)


def from_builtins(value: Any, kind: type[T]) -> T:
    """Make a value of type `kind` of what `json.loads` gave.

    Raises:
        ValueError: a key is missing or of another type; the message names the key.
    """
    return msgspec.convert(value, kind)


def _encode_subclass(value: Any) -> str:
    """Encode a kind of text that msgspec does not know, such as pydicom's UID."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
