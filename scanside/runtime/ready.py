"""A bundle's network, loaded and proven: what the manifest says that it is, and right on the golden case."""

from scanside.assess import check_golden
from scanside.bundle import Bundle
from scanside.runtime.onnxruntime import OnnxRuntime
from scanside.runtime.options import CpuOptions
from scanside.tensors import check_tensors


def ready(
    bundle: Bundle, precision: str = "float32", threads: int = 0, options: CpuOptions | None = None
) -> OnnxRuntime:
    """The network of `bundle` on the CPU.

    Raises:
        SettingError: the bundle has no such precision.
        BundleError: the graph's inputs or outputs are not those of the manifest.
        RunnerError: the graph can't be loaded, or does not reproduce the golden case.
    """
    runner = OnnxRuntime(bundle.graph(precision), threads, options)
    check_tensors(runner.inputs, runner.outputs, bundle.manifest, f"the bundle's {precision} network")
    check_golden(bundle, runner, precision)
    return runner
