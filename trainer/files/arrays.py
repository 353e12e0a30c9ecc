"""A frozen dataclass of arrays on disk: one .npz, its fields by name."""

import io
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scanside.errors import InputError
from scanside.regular_file import open_regular
from trainer.files.write import write_file

T = TypeVar("T")


def save_arrays(record: Any, path: Path) -> None:
    """Write every field of `record`.

    Raises:
        InputError: the folder can't be written to.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **vars(record))
    write_file(path, content.getvalue())


def load_arrays(kind: type[T], path: Path, what: str) -> T:
    """Read what `save_arrays` wrote of a `kind`.

    Args:
        what: names the content in the error's message.

    Raises:
        InputError: the file is missing or damaged, or holds other fields.
    """
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as content:
            return kind(**{name: content[name] for name in content.files})
    except Exception as error:
        raise InputError(f"{path} holds no {what}: {error}. Run the experiment again.") from error
