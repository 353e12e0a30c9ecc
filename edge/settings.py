# ruff: noqa: RUF009 -- _setting() is dataclasses.field() with an explanation
"""What can be set, built once from edge.toml and the command line and passed in; unknown keys fail."""

import difflib
import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from edge.scanners import THIS_MACHINE, Scanner, check_ae_title, read_scanners, scanner_tables
from scanside import RESEARCH_USE
from scanside.errors import SettingError
from scanside.exam.options import MIN_AGE_YEARS, ExamOptions, read_actions
from scanside.facts import Centre
from scanside.runtime.preference import ONNXRUNTIME, RuntimeOptions, check_runtimes

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

T = TypeVar("T")
_CENTRES = tuple(centre.value for centre in Centre)
_KINDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path, as a text",
    tuple: "a list of texts",
}


def _setting(
    default: T, text: str, *, low: float | None = None, high: float | None = None, kind: type | None = None
) -> T:
    kind = kind or (Path if default is None or isinstance(default, Path) else type(default))
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
    centre: str = _setting(
        "unknown",
        "Where patients are seen here: oncology centre, other centre, or unknown. Some models ask for it.",
    )
    final_after_s: float = _setting(
        120.0,
        "A study's figures are final once no image of it has come for this long.",
        low=0,
        high=86400,
    )
    study_open_h: float = _setting(
        24.0,
        "After an update of the model a study goes on under the one that scored it, until no image of it has "
        "come for so many hours. 0: not so.",
        low=0,
        high=720,
    )
    watch_group: str | None = _setting(
        None,
        "Group of this machine whose members may open the live view. Not set: the agent's user alone.",
        kind=str,
    )
    entry_group: str | None = _setting(
        None,
        "Group whose members may enter what people know about a study. Not set: the agent's user alone.",
        kind=str,
    )
    trusted_keys: tuple[str, ...] = _setting(
        (),
        "Public keys in Base64, or .pub files: one of them must have signed the model. Empty: any model.",
    )
    cine_frames: int = _setting(
        5, "Frames scored of a multi-frame image, evenly spaced, the first always.", low=1, high=1000
    )
    cine_unlike_share: float = _setting(
        0.5,
        "A multi-frame image of whose frames more than this share is unlike the training data gives no risk. "
        "1: each frame is for itself.",
        low=0,
        high=1,
    )
    late_after_s: float = _setting(
        30.0,
        "An image that waits longer for its result is a warning, and `edge health` fails.",
        low=1,
        high=86400,
    )
    exam_rules: tuple[str, ...] = _setting(
        (),
        "Rules of docs/scan-preparation.md for headers that are not of an ovary's exam, to do otherwise: "
        "RULE:refuse, RULE:flag or RULE:off.",
    )
    min_age_years: int = _setting(
        MIN_AGE_YEARS, "Images of younger patients are not scored. 0: no age is asked for.", low=0, high=120
    )
    secondary_capture: bool = _setting(
        False,
        "Score copies of an ultrasound screen (Secondary Capture) with one scan on them, with a flag. "
        "For machines that send nothing else.",
    )
    worker_timeout_s: float = _setting(
        60.0,
        "Time for one frame. After it the worker is replaced; three times, then the image is in quarantine.",
        low=1,
        high=3600,
    )
    worker_memory_mb: int = _setting(
        4096,
        "Resident memory of the worker, in MB. Beyond it the worker is replaced. 0: no limit.",
        low=0,
        high=2**20,
    )
    runtimes: tuple[str, ...] = _setting(
        (ONNXRUNTIME,),
        "What the network runs in: onnxruntime, onnxruntime:int8, tensorrt:fp32, tensorrt:fp16 or "
        "tensorrt:int8. Of several the first that works; the agent says when it is another than the first.",
    )
    engines: Path | None = _setting(
        None, "Folder of TensorRT's engines. Not set: the folder engines in the data folder."
    )
    network_threads: int = _setting(
        0, "Processor cores for the network. 0: as `edge tune` found, else all.", low=0, high=256
    )
    scanners: tuple[Scanner, ...] = _setting(
        (THIS_MACHINE,),
        "Who may send: a table [[scanners]] each, at the end of the file. Nobody else is answered.",
    )
    check_called_ae_title: bool = _setting(True, "Refuse who calls another AE title than ae_title.")
    blank_ae_titles: bool = _setting(
        False, "Take associations whose calling or called AE title is blank, which the standard forbids."
    )
    private_classes: bool = _setting(True, "Receive objects of makers' private storage classes too.")
    tls_certificate: Path | None = _setting(
        None, "Certificate of the agent, PEM, its chain after it. With it the agent speaks TLS only."
    )
    tls_key: Path | None = _setting(None, "Private key of tls_certificate, PEM, without a password.")
    tls_ca: Path | None = _setting(
        None, "Certificates, PEM, one of which must have signed the sender's. Changed files are read anew."
    )
    max_associations: int = _setting(64, "Associations open at a time.", low=1, high=200)
    max_associations_per_peer: int = _setting(16, "Associations of one address.", low=1, high=200)
    max_connections: int = _setting(
        128, "Connections open at a time, associated or not yet.", low=1, high=250
    )
    max_connections_per_peer: int = _setting(32, "Connections of one address.", low=1, high=250)
    max_pdu_bytes: int = _setting(
        131072,
        "Largest protocol data unit asked for. One up to 64 KiB longer is taken, beyond that aborted.",
        low=4096,
        high=2**24,
    )
    connect_timeout_s: float = _setting(
        15.0, "Time from connecting, TLS included, to the whole association request.", low=0.1, high=600
    )
    pdu_timeout_s: float = _setting(
        30.0, "Time for one protocol data unit from its first byte, and for sending one.", low=0.1, high=3600
    )
    association_timeout_s: float = _setting(
        60.0, "An association that is silent for this long is ended.", low=0.1, high=86400
    )
    association_limit_s: float = _setting(
        14400.0, "An association that is open for this long is ended.", low=0.1, high=2**20
    )
    drain_s: float = _setting(
        20.0, "Time for open associations when the agent is asked to stop.", low=0, high=3600
    )
    keep_days: int = _setting(
        0, "Days after which a study and its results are removed. 0: kept until purged.", low=0, high=36500
    )
    keep_gb: float = _setting(
        0.0, "Room for what was received, in GB; the oldest go first. 0: no limit.", low=0, high=10**6
    )
    audit_syslog: str | None = _setting(
        None,
        "Server for audit messages over TLS, as host:port. Not set: they stay on this machine.",
        kind=str,
    )
    audit_ca: Path | None = _setting(
        None, "PEM file of the authority that signed the server's certificate. Not set: the system's."
    )
    audit_certificate: Path | None = _setting(
        None, "PEM file of the agent's certificate and key for that server. Not set: none is shown."
    )
    metrics_port: int = _setting(
        0, "TCP port of Prometheus metrics, on 127.0.0.1 alone. 0: none.", low=0, high=65535
    )

    @property
    def exam_options(self) -> ExamOptions:
        return ExamOptions(
            read_actions(self.exam_rules, "settings"), self.min_age_years, self.secondary_capture
        )

    @property
    def runtime_options(self) -> RuntimeOptions:
        engines = self.data / "engines" if self.engines is None else self.engines
        return RuntimeOptions(self.runtimes, self.network_threads, engines)


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
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else "docs/edge-settings.md lists all."
            raise SettingError(f"{config}: unknown setting '{name}'. {hint}")
    checked = {name: _checked(known[name], value, str(config)) for name, value in values.items()}
    for name, value in options.items():
        if value is not None:
            checked[name] = _checked(known[name], value, "option --" + name.replace("_", "-"))
    return Settings(**checked)


def holds_nothing(config: Path) -> bool:
    """Whether the file sets nothing at all, as one that was cut off.

    Raises:
        SettingError: it can't be read.
    """
    return not _read(config)


def template(values: Mapping[str, Any] | None = None) -> str:
    """The text of an edge.toml that says every setting, its meaning and its default, or that of `values`."""
    tables: list[str] = []
    lines = ["# Settings of `edge`. What is left out has the value given here.", f"# {RESEARCH_USE}"]
    for setting in fields(Settings):
        lines += [
            "",
            *textwrap.wrap(setting.metadata["text"], 98, initial_indent="# ", subsequent_indent="# "),
        ]
        value = (values or {}).get(setting.name, setting.default)
        if setting.name == "scanners":  # tables come last in TOML
            tables = scanner_tables(value, toml)
            continue
        lines.append(f"# {setting.name} = ''" if value is None else f"{setting.name} = {toml(value)}")
    return "\n".join([*lines, *tables]) + "\n"


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
        try:
            path = Path(value).expanduser()
        except RuntimeError as error:  # ~ of a user whom nobody knows
            raise SettingError(f"{where}: {name} is {str(value)!r}: {error}") from error
        if not str(path).isprintable():
            raise SettingError(f"{where}: {name} is {str(value)!r}: it has control characters.")
        return path
    if name == "scanners":
        return read_scanners(value, where)
    if kind is tuple and isinstance(value, list) and all(isinstance(v, str) and v for v in value):
        if name == "runtimes":
            check_runtimes(tuple(value), where)
        if name == "exam_rules":
            read_actions(tuple(value), where)
        return tuple(value)
    if type(value) is not kind:
        raise SettingError(f"{where}: {name} must be {_KINDS[kind]}, not {value!r}.")
    if kind in (int, float) and not low <= value <= high:  # NaN is in no range
        raise SettingError(f"{where}: {name} is {value}; it must lie between {low} and {high}.")
    if kind is str and not value.strip():
        raise SettingError(f"{where}: {name} is empty.")
    if name == "ae_title":
        check_ae_title(value, where)
    if name == "centre" and value not in _CENTRES:
        raise SettingError(f"{where}: centre is {value!r}; it must be one of: {', '.join(_CENTRES)}.")
    return value


def toml(value: Any) -> str:
    """A value of a setting as it stands in edge.toml."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, Scanner):  # it has a table of its own
        return toml(value.name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False)  # escapes what TOML's basic strings want escaped
