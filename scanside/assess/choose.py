"""Which runtime a network runs in: the first of those that the settings list, in their order, that can.

A runtime that is not listed is never taken. Whoever lists one alone would rather have no risk than one from
elsewhere; whoever lists two is told which of them it is, and why not the first.
"""

from dataclasses import dataclass

from scanside.assess.golden import check_golden
from scanside.errors import RunnerError, ScansideError
from scanside.model.bundle import DENOISER, GOLDEN_DENOISER, NETWORK, Bundle
from scanside.model.tensors import check_tensors
from scanside.runtime.engine import DENOISER_PRECISION, PRECISIONS
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.preference import ONNXRUNTIME, RuntimeOptions, check_runtimes
from scanside.runtime.protocol import Runner
from scanside.runtime.tensorrt import open_tensorrt


@dataclass(frozen=True)
class Choice:
    """The runtime that was taken.

    Attributes:
        runner: the network in it.
        denoiser: the bundle's denoiser in it, in FP32; None where the bundle has none.
        precision: that the network computes in, as a manifest's tolerances call it.
        refused: what the settings prefer to it, each with the reason why it is not that.
    """

    runner: Runner
    denoiser: Runner | None
    precision: str
    refused: tuple[str, ...]


def open_network(bundle: Bundle, options: RuntimeOptions, *, prove: bool = True) -> Choice:
    """Open the network and the denoiser of `bundle` in the first of the listed runtimes that can run both.

    Args:
        prove: on the golden cases; a benchmark of speed alone does without.

    Raises:
        RunnerError: no listed runtime loads them and reproduces the golden cases.
        BundleError: a graph or an array is damaged, or not what the manifest says.
        SettingError: a name is unknown, or the bundle has not the precision that is asked for.
    """
    check_runtimes(options.runtimes, "settings")
    refused: list[str] = []
    for name in options.runtimes:
        runtime, _, precision = name.partition(":")
        try:
            if runtime == ONNXRUNTIME:
                precision = precision or "float32"
                runner, denoiser = _on_the_cpu(bundle, options, precision)
            else:
                runner, denoiser = _with_tensorrt(bundle, options, precision)
                precision = PRECISIONS[precision]
            if prove:
                check_golden(bundle, runner, precision, runtime)
                if denoiser is not None:
                    check_golden(bundle, denoiser, case=GOLDEN_DENOISER)
            return Choice(runner, denoiser, precision, tuple(refused))
        except ScansideError as error:
            if len(options.runtimes) == 1:
                raise
            refused.append(f"{name}: {error}")
    raise RunnerError(f"none of the runtimes in the settings can run {NETWORK}. {' '.join(refused)}")


def _on_the_cpu(bundle: Bundle, options: RuntimeOptions, precision: str) -> tuple[Runner, Runner | None]:
    runner = OnnxRuntime(bundle.graph(precision), options.threads, options.cpu)
    check_tensors(runner.inputs, runner.outputs, bundle.manifest, f"the bundle's {precision} network")
    if bundle.manifest.denoiser is None:
        return runner, None
    return runner, OnnxRuntime(bundle.files[DENOISER], options.threads, options.cpu, "the denoiser")


def _with_tensorrt(bundle: Bundle, options: RuntimeOptions, precision: str) -> tuple[Runner, Runner | None]:
    runner = open_tensorrt(options.engines, bundle.digest, NETWORK, precision)
    if bundle.manifest.denoiser is None:
        return runner, None
    return runner, open_tensorrt(options.engines, bundle.digest, DENOISER, DENOISER_PRECISION)
