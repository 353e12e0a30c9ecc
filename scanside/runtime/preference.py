"""What settings may say of runtimes. Loads no runtime: a view reads the settings too."""

from dataclasses import dataclass, field
from pathlib import Path

from scanside.errors import SettingError
from scanside.runtime.engine import PRECISIONS
from scanside.runtime.options import CpuOptions

ONNXRUNTIME = "onnxruntime"
TENSORRT = tuple(f"tensorrt:{precision}" for precision in PRECISIONS)
RUNTIMES = (ONNXRUNTIME, f"{ONNXRUNTIME}:int8", *TENSORRT)


@dataclass(frozen=True)
class RuntimeOptions:
    """What the settings say of runtimes.

    Attributes:
        runtimes: names of RUNTIMES, the preferred first.
        threads: processor cores for those that run on the CPU; 0 is all.
        engines: folder of TensorRT's engines.
        cpu: how ONNX Runtime uses the CPU.
    """

    runtimes: tuple[str, ...] = (ONNXRUNTIME,)
    threads: int = 0
    engines: Path = Path("engines")
    cpu: CpuOptions = field(default_factory=CpuOptions)


def check_runtimes(names: tuple[str, ...], where: str) -> None:
    """Check the names of a setting.

    Raises:
        SettingError: none is given, one is unknown or given twice.
    """
    unknown = [name for name in names if name not in RUNTIMES]
    if unknown or not names or len(set(names)) < len(names):
        what = f"{unknown[0]!a} is unknown" if unknown else "it must name at least one, each of them once"
        raise SettingError(f"{where}: runtimes: {what}. Known are {', '.join(RUNTIMES)}.")


def cpu_precision(runtimes: tuple[str, ...]) -> str | None:
    """The precision that ONNX Runtime would compute in, by the first of `runtimes` that is its; else None."""
    for runtime, _, precision in (name.partition(":") for name in runtimes):
        if runtime == ONNXRUNTIME:
            return precision or "float32"
    return None
