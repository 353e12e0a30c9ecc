"""Which runtime a network runs in: the first of those that the settings list, in their order, that can.

A runtime that is not listed is never taken. Whoever lists one alone would rather have no risk than one from
elsewhere; whoever lists two is told which of them it is, and why not the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scanside.bundle import Bundle
from scanside.errors import RunnerError, ScansideError, SettingError
from scanside.runtime.engine import PRECISIONS
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.protocol import Runner
from scanside.runtime.tensorrt import open_tensorrt

ONNXRUNTIME = "onnxruntime"
TENSORRT = tuple(f"tensorrt:{precision}" for precision in PRECISIONS)
RUNTIMES = (ONNXRUNTIME, *TENSORRT)


@dataclass(frozen=True)
class RuntimeOptions:
    """What the settings say of runtimes.

    Attributes:
        runtimes: names of RUNTIMES, the preferred first.
        threads: processor cores for those that run on the CPU; 0 is all.
        engines: folder of TensorRT's engines.
    """

    runtimes: tuple[str, ...] = (ONNXRUNTIME,)
    threads: int = 0
    engines: Path = Path("engines")


@dataclass(frozen=True)
class Choice:
    """The runner that was taken.

    Attributes:
        refused: what the settings prefer to it, each with the reason why it is not that.
    """

    runner: Runner
    refused: tuple[str, ...] = ()


def check_runtimes(names: tuple[str, ...], where: str) -> None:
    """Check the names of a setting.

    Raises:
        SettingError: none is given, one is unknown or given twice.
    """
    unknown = [name for name in names if name not in RUNTIMES]
    if unknown or not names or len(set(names)) < len(names):
        what = f"{unknown[0]!a} is unknown" if unknown else "it must name at least one, each of them once"
        raise SettingError(f"{where}: runtimes: {what}. Known are {', '.join(RUNTIMES)}.")


def choose(
    bundle: Bundle, graph: str, options: RuntimeOptions, prove: Callable[[Runner, str], object]
) -> Choice:
    """Open the network `graph` of `bundle` in the first of the listed runtimes that proves itself.

    Args:
        graph: file name in the bundle.
        prove: raises a ScansideError for a runner that does not compute, in a precision (as in a manifest's
            tolerances), what the source computed.

    Raises:
        RunnerError: none of them can.
        SettingError: a name is unknown.
    """
    check_runtimes(options.runtimes, "settings")
    refused: list[str] = []
    for name in options.runtimes:
        try:
            runner, precision = _open(name, bundle, graph, options)
            prove(runner, precision)
            return Choice(runner, tuple(refused))
        except ScansideError as error:
            if len(options.runtimes) == 1:
                raise
            refused.append(f"{name}: {error}")
    raise RunnerError(f"none of the runtimes in the settings can run {graph}. {' '.join(refused)}")


def _open(name: str, bundle: Bundle, graph: str, options: RuntimeOptions) -> tuple[Runner, str]:
    if name == ONNXRUNTIME:
        return OnnxRuntime(bundle.files[graph], options.threads), "float32"
    precision = name.partition(":")[2]
    return open_tensorrt(options.engines, bundle.digest, graph, precision), PRECISIONS[precision]
