"""How the network is run on this machine: what settings and `edge tune` decide."""

from dataclasses import dataclass, field

from scanside.manifest import Manifest
from scanside.runtime.options import CpuOptions


@dataclass(frozen=True)
class HowToRun:
    """
    Attributes:
        precision: "float32", or another that the bundle has.
        threads: processor cores for the network; 0 is all.
    """

    precision: str = "float32"
    threads: int = 0
    options: CpuOptions = field(default_factory=CpuOptions)

    def model_name(self, manifest: Manifest) -> str:
        """As results and screens show it: another precision gives other risks, so it is named."""
        name = f"{manifest.name} {manifest.version}"
        return name if self.precision == "float32" else f"{name}, {self.precision}"


DEFAULT = HowToRun()
