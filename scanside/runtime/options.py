"""How ONNX Runtime uses the CPU. Apart from onnxruntime.py: a receiver needs these and no runtime."""

from dataclasses import dataclass
from typing import Literal

Optimisation = Literal["all", "extended", "basic"]


@dataclass(frozen=True)
class CpuOptions:
    """What `edge tune` chooses by measuring; the result differs in its last digits at most, which the
    golden case bounds.

    Attributes:
        optimisation: "all" (with layouts made for the CPU), "extended" (fusions alone) or "basic".
        arena: keep memory between runs in an arena of ONNX Runtime.
        spinning: threads wait for work at full speed: quicker, and a core is busy while nothing is done.
    """

    optimisation: Optimisation = "all"
    arena: bool = True
    spinning: bool = True
