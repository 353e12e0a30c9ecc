"""What `edge tune` found, kept in the data folder; used only for this machine and this model."""

import json
import os
import platform
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from edge.settings import Settings
from scanside.errors import SettingError
from scanside.model.bundle import Bundle
from scanside.runtime.options import CpuOptions, Optimisation
from scanside.runtime.preference import RuntimeOptions, cpu_precision

FILE = "tuning.json"
_FORMAT = "scanside-tuning/1"


def machine_and_model(bundle: Bundle, precision: str | None) -> dict[str, Any]:
    """All that a measurement hangs on; another value of any of them makes it another's."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "onnxruntime": _onnxruntime(),
        "bundle": bundle.digest,
        "precision": precision,
    }


def how_to_run(settings: Settings, bundle: Bundle) -> tuple[RuntimeOptions, str]:
    """How the network is run, and where that comes from, for the log.

    A damaged file is no reason to score nothing: it is named, and the defaults serve.
    """
    default, path = settings.runtime_options, settings.data / FILE
    try:
        found = json.loads(path.read_text("utf-8"))
        if found["format"] != _FORMAT:
            raise ValueError("of another version")
        if found["measured_on"] != machine_and_model(bundle, cpu_precision(settings.runtimes)):
            return default, f"{path} was measured on another machine or model: not used. Run edge tune again."
        options, tuned = CpuOptions(**found["options"]), found["threads"]
        if type(tuned) is not int or not 0 <= tuned <= 256 or not _is_valid(options):
            raise ValueError("a value is out of range")
    except FileNotFoundError:
        return default, "the network runs as by default; edge tune measures what is fastest here."
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return default, f"{path} can't be used ({type(error).__name__}); the network runs as by default."
    threads = settings.network_threads or tuned
    return replace(default, threads=threads, cpu=options), f"on the CPU the network runs as {path} says."


def save_tuning(how: RuntimeOptions, measured: dict[str, Any], settings: Settings, bundle: Bundle) -> Path:
    """Keep what was chosen, in one step.

    Raises:
        SettingError: the data folder can't be written.
    """
    path = settings.data / FILE
    part = path.with_suffix(".part")
    content = {
        "format": _FORMAT,
        "measured_on": machine_and_model(bundle, cpu_precision(settings.runtimes)),
        "threads": how.threads,
        "options": asdict(how.cpu),
        "measured": measured,
    }
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        part.replace(path)
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error
    return path


def _is_valid(options: CpuOptions) -> bool:
    switches = (options.arena, options.spinning)
    return options.optimisation in get_args(Optimisation) and all(type(s) is bool for s in switches)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    said = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "CPU part"))]
    return said[0] if said else platform.processor() or platform.machine()


def _onnxruntime() -> str:
    """Without loading it: the receiver needs none."""
    try:
        return version("onnxruntime")
    except PackageNotFoundError:  # under another name, as onnxruntime-gpu
        import onnxruntime

        return str(onnxruntime.__version__)
