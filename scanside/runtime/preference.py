"""What settings may say of runtimes. Loads no runtime: a view reads the settings too."""

from dataclasses import dataclass
from pathlib import Path

from scanside.errors import SettingError
from scanside.runtime.engine import PRECISIONS

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


def check_runtimes(names: tuple[str, ...], where: str) -> None:
    """Check the names of a setting.

    Raises:
        SettingError: none is given, one is unknown or given twice.
    """
    unknown = [name for name in names if name not in RUNTIMES]
    if unknown or not names or len(set(names)) < len(names):
        what = f"{unknown[0]!a} is unknown" if unknown else "it must name at least one, each of them once"
        raise SettingError(f"{where}: runtimes: {what}. Known are {', '.join(RUNTIMES)}.")
