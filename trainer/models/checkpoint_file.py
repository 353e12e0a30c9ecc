"""Checkpoints on disk: weights and plain values, so that reading one can't run code."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from scanside.errors import InputError
from scanside.regular_file import open_regular
from trainer.files.write import write_file

_T = TypeVar("_T")


def write(path: Path, form: str, content: Mapping[str, Any], document: str) -> None:
    """Write `content`.

    Args:
        form: name and version of what is written.
        document: the key of `content` that holds a document, any JSON.

    Raises:
        InputError: the folder can't be written to.
    """
    stream = io.BytesIO()
    torch.save({"format": form, **content, document: json.dumps(content[document])}, stream)
    write_file(path, stream.getvalue())


def read(path: Path, form: str, build: Callable[[dict[str, Any]], _T], document: str, made_by: str) -> _T:
    """Return what `build` makes of the content that `write` wrote.

    Args:
        made_by: the command that writes such a file.

    Raises:
        InputError: `path` holds none of this form, or one that `build` refuses.
    """
    content = _load(path, made_by)
    try:
        if content["format"] != form:
            raise ValueError(f"it is one of {str(content['format'])[:80]!r}")
        del content["format"]
        content[document] = json.loads(content[document])
        return build(content)
    except Exception as error:
        raise InputError(
            f"{path} is not a checkpoint of this version ({form}): {error}. Train again with `{made_by}`."
        ) from error


def read_form(path: Path, made_by: str) -> object:
    """Name and version of what `write` wrote; None where it does not say.

    Raises:
        InputError: `path` is not a checkpoint.
    """
    return _load(path, made_by).get("format")


def _load(path: Path, made_by: str) -> dict[str, Any]:
    try:
        with open_regular(path) as file:
            content = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"no checkpoint at {path}. `{made_by}` writes checkpoint.pt.") from None
    except Exception as error:  # torch's own words advise to run the code in the file
        reason = getattr(error, "strerror", None) or "not weights and plain values alone"
        raise InputError(
            f"{path} is not a checkpoint of this version: {reason}. Name a checkpoint.pt of `{made_by}`."
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path} is not a checkpoint of this version: it names nothing. "
            f"Name a checkpoint.pt of `{made_by}`."
        )
    return content
