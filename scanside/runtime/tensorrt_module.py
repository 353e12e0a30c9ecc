"""Which TensorRT is here: `tensorrt` (Jetson, data centre) or `tensorrt_rtx` (RTX cards).

Both have one Python API, so that all the rest is one code path. Where they differ, `is_rtx` says so: RTX
builds for a compute capability and compiles kernels on the device; TensorRT builds for the very GPU.
"""

import importlib
from dataclasses import dataclass, field
from typing import Any

from scanside.errors import RunnerError, SettingError

TENSORRT, TENSORRT_RTX = "tensorrt", "tensorrt-rtx"
NAMES = (TENSORRT, TENSORRT_RTX)
_SHOWN = {TENSORRT: "TensorRT", TENSORRT_RTX: "TensorRT for RTX"}


@dataclass(frozen=True)
class TensorRtModule:
    """A TensorRT that could be imported.

    Attributes:
        name: one of NAMES, as its package is called.
        version: of the library; engines fit no other.
        api: the Python module.
    """

    name: str
    version: str
    api: Any = field(repr=False)

    @property
    def is_rtx(self) -> bool:
        return self.name == TENSORRT_RTX

    @property
    def shown(self) -> str:
        """For people: "TensorRT 10.3.0"."""
        return f"{_SHOWN[self.name]} {self.version}"


def load_module(name: str | None = None) -> TensorRtModule:
    """The TensorRT of this name; without one the first of NAMES that is installed.

    Raises:
        SettingError: there is no TensorRT of that name.
        RunnerError: it is not installed, or installed and broken; the message says what to do.
    """
    if name is not None and name not in NAMES:
        raise SettingError(f"there is no TensorRT '{name}'; known are {', '.join(NAMES)}.")
    for wanted in NAMES if name is None else (name,):
        module = wanted.replace("-", "_")
        try:
            api = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name == module:
                continue
            raise _broken(wanted, error) from error
        except Exception as error:  # its libraries are loaded on import, and fail in ways of their own
            raise _broken(wanted, error) from error
        return TensorRtModule(wanted, str(api.__version__), api)
    raise RunnerError(
        f"{name or 'TensorRT'} is not installed. On a Jetson it comes with JetPack (package "
        "python3-libnvinfer); elsewhere: pip install 'scanside[tensorrt]' or 'scanside[tensorrt-rtx]'."
    )


def start(module: TensorRtModule, what: str, log: Any) -> Any:
    """TensorRT's "Builder" or "Runtime".

    Raises:
        RunnerError: it does not start, as where it finds no driver.
    """
    try:
        return getattr(module.api, what)(log)
    except TypeError as error:  # what pybind11 makes of a null pointer
        raise RunnerError(f"{module.shown} does not start{reason(log)}") from error


def make_log(api: Any) -> Any:
    """TensorRT's log, kept instead of printed: `errors` is a list of what it said of severity error."""

    class Log(api.ILogger):  # type: ignore[misc]  # the module is only known when it runs
        def __init__(self) -> None:
            api.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (api.ILogger.Severity.ERROR, api.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(message)

    return Log()


def reason(log: Any) -> str:
    """What TensorRT said last, for the end of a message; empty when it said nothing."""
    return f": {log.errors[-1]}" if log.errors else "."


def _broken(name: str, error: Exception) -> RunnerError:
    return RunnerError(f"{name} is installed and can't be loaded ({error}). Install it again.")
