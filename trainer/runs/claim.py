"""A folder belongs to one training: what that is made of stands in it from the start."""

import json
from collections.abc import Mapping
from pathlib import Path

from scanside.errors import SettingError
from trainer.files.write import write_file


def claim_folder(folder: Path, made: Mapping[str, object], name: str = "run.json") -> None:
    """Take `folder` for this training, or find that it was taken for the same one before.

    Args:
        made: all that decides the result; JSON can hold it.
        name: of the file that says so.

    Raises:
        SettingError: it holds a training with other settings or on other data.
        InputError: it can't be written to.
    """
    path, mine = folder / name, json.loads(json.dumps(made))
    if not path.exists():
        write_file(path, (json.dumps(mine, indent=2) + "\n").encode())
        return
    try:
        theirs = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingError(f"{path} is damaged: {error}. Remove its folder to train again.") from error
    if theirs != mine:
        raise SettingError(
            f"{folder} holds a training with other settings or data. Choose another --out, or remove it."
        )
