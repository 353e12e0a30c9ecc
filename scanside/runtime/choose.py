"""Which runtime a network runs in: the first of those that the settings list, in their order, that can.

A runtime that is not listed is never taken. Whoever lists one alone would rather have no risk than one from
elsewhere; whoever lists two is told which of them it is, and why not the first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from scanside.assess import check_golden
from scanside.bundle import NETWORK, Bundle
from scanside.errors import RunnerError, ScansideError
from scanside.runtime.engine import PRECISIONS
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.preference import ONNXRUNTIME, RuntimeOptions, check_runtimes
from scanside.runtime.protocol import Runner
from scanside.runtime.tensorrt import open_tensorrt
from scanside.tensors import check_tensors


@dataclass(frozen=True)
class Choice:
    """The runner that was taken.

    Attributes:
        precision: that it computes in, as a manifest's tolerances call it.
        refused: what the settings prefer to it, each with the reason why it is not that.
    """

    runner: Runner
    precision: str
    refused: tuple[str, ...]


def choose(bundle: Bundle, options: RuntimeOptions, prove: Callable[[Runner, str, str], object]) -> Choice:
    """Open the network of `bundle` in the first of the listed runtimes that proves itself.

    Args:
        prove: raises a ScansideError for a runner that does not compute what the source computed; it is told
            the precision, as a manifest's tolerances call it, and the runtime: "onnxruntime", "tensorrt".

    Raises:
        RunnerError: none of them can.
        SettingError: a name is unknown.
    """
    check_runtimes(options.runtimes, "settings")
    refused: list[str] = []
    for name in options.runtimes:
        try:
            runner, precision = _open(name, bundle, options)
            prove(runner, precision, name.partition(":")[0])
            return Choice(runner, precision, tuple(refused))
        except ScansideError as error:
            if len(options.runtimes) == 1:
                raise
            refused.append(f"{name}: {error}")
    raise RunnerError(f"none of the runtimes in the settings can run {NETWORK}. {' '.join(refused)}")


def open_network(bundle: Bundle, options: RuntimeOptions) -> Choice:
    """The network of `bundle`, proven on its golden case.

    Raises:
        RunnerError: no listed runtime reproduces the golden case.
        BundleError: the network is not what its manifest says.
        SettingError: the bundle has not the precision that is asked for.
    """
    return choose(bundle, options, lambda runner, *which: check_golden(bundle, runner, *which))


def _open(name: str, bundle: Bundle, options: RuntimeOptions) -> tuple[Runner, str]:
    runtime, _, precision = name.partition(":")
    if runtime != ONNXRUNTIME:
        return open_tensorrt(options.engines, bundle.digest, NETWORK, precision), PRECISIONS[precision]
    precision = precision or "float32"
    runner = OnnxRuntime(bundle.graph(precision), options.threads, options.cpu)
    check_tensors(runner.inputs, runner.outputs, bundle.manifest, f"the bundle's {precision} network")
    return runner, precision
