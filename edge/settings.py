# ruff: noqa: RUF009 -- _setting() is dataclasses.field() with an explanation
"""What can be set, built once from edge.toml and the command line and passed in; unknown keys fail."""

import difflib
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from scanside import RESEARCH_USE
from scanside.errors import SettingError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

T = TypeVar("T")
_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    Path: "a folder, as a text",
    tuple: "a list of texts",
}


def _setting(default: T, text: str, *, low: float | None = None, high: float | None = None) -> T:
    kind = Path if default is None or isinstance(default, Path) else type(default)
    return field(default=default, metadata={"text": text, "kind": kind, "low": low, "high": high})


@dataclass(frozen=True)
class Settings:
    """The settings of the agent; `edge init` writes them out with their explanations."""

    host: str = _setting(
        "127.0.0.1", "Address to listen on. 127.0.0.1: this machine only; 0.0.0.0: every network it is in."
    )
    port: int = _setting(11112, "TCP port to listen on. 0: any free one.", low=0, high=65535)
    ae_title: str = _setting("SCANSIDE", "DICOM application entity title, at most 16 characters.")
    data: Path = _setting(Path("edge-data"), "Folder for what is received and its results.")
    min_free_mb: int = _setting(
        256,
        "Room to leave on the disk of the data folder, in MB. With less nothing is taken; senders are told.",
        low=0,
        high=2**20,
    )
    bundle: Path | None = _setting(
        None, "Folder or .zip file of the model. Not set: the model that is installed with edge."
    )
    trusted_keys: tuple[str, ...] = _setting(
        (),
        "Public keys in Base64, or .pub files: one of them must have signed the model. Empty: any model.",
    )
    cine_frames: int = _setting(
        5, "Frames scored of a multi-frame image, evenly spaced, the first always.", low=1, high=1000
    )
    worker_timeout_s: float = _setting(
        60.0,
        "Time for one frame. After it the worker is restarted; three times, then it failed.",
        low=1,
        high=3600,
    )
    precision: str = _setting(
        "float32", "Arithmetic of the network: float32, or int8 where the model has it for this runtime."
    )
    network_threads: int = _setting(
        0, "Processor cores for the network. 0: as `edge tune` found, else all.", low=0, high=256
    )
    max_associations: int = _setting(10, "Associations open at a time.", low=1, high=1000)
    max_pdu_bytes: int = _setting(
        131072, "Largest protocol data unit received. 0: no limit.", low=0, high=2**32 - 1
    )
    association_timeout_s: float = _setting(
        60.0, "An association that is silent for this long is ended.", low=1, high=86400
    )


def load(config: Path | None, options: Mapping[str, Any]) -> Settings:
    """Settings from the file `config`, if any; `options` that are not None come first.

    Raises:
        SettingError: the file can't be read, or a key or a value is wrong.
    """
    values: dict[str, Any] = {}
    if config is not None:
        values = _read(config)
    known = {setting.name: setting for setting in fields(Settings)}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise SettingError(f"{config}: unknown setting '{name}'. Did you mean '{near[0]}'?")
    checked = {name: _checked(known[name], value, str(config)) for name, value in values.items()}
    for name, value in options.items():
        if value is not None:
            checked[name] = _checked(known[name], value, "option --" + name.replace("_", "-"))
    return Settings(**checked)


def template() -> str:
    """The text of an edge.toml that says every setting, its meaning and its default."""
    lines = ["# Settings of `edge`. What is left out has the value given here.", f"# {RESEARCH_USE}"]
    for setting in fields(Settings):
        lines += [
            "",
            *textwrap.wrap(setting.metadata["text"], 98, initial_indent="# ", subsequent_indent="# "),
        ]
        value = setting.default
        lines.append(f"# {setting.name} = ''" if value is None else f"{setting.name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _read(config: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = tomllib.loads(config.read_text("utf-8"))
        return values
    except OSError as error:
        raise SettingError(
            f"{config} can't be read: {error.strerror}. Write one with: edge init PATH"
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"{config} is not a TOML file: {error}") from error


def _checked(setting: "Field[Any]", value: Any, where: str) -> Any:
    """`value` as the type of the setting, if it is one and within the setting's range."""
    name, kind, low, high = setting.name, *(setting.metadata[key] for key in ("kind", "low", "high"))
    if kind is float and type(value) is int:
        value = float(value)
    if kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value).expanduser()
    if kind is tuple and isinstance(value, list) and all(isinstance(v, str) and v for v in value):
        return tuple(value)
    if type(value) is not kind:
        raise SettingError(f"{where}: {name} must be {_KINDS[kind]}, not {value!r}.")
    if kind in (int, float) and not low <= value <= high:  # NaN is in no range
        raise SettingError(f"{where}: {name} is {value}; it must lie between {low} and {high}.")
    if kind is str and not value.strip():
        raise SettingError(f"{where}: {name} is empty.")
    if name == "ae_title":
        check_ae_title(value, where)
    return value


def check_ae_title(title: str, where: str) -> None:
    """PS3.5 6.2, value representation AE.

    Raises:
        SettingError: no valid title.
    """
    if not (len(title.strip()) > 0 and len(title) <= 16 and title.isascii() and title.isprintable()):
        raise SettingError(f"{where}: '{title}' is no AE title: 1 to 16 ASCII letters, digits or signs.")
    if "\\" in title:
        raise SettingError(f"{where}: '{title}' is no AE title: no backslash is allowed.")


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
