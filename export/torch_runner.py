"""The source checkpoint itself, run by torch, as a Runner: the reference that a bundle is compared with."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.to_onnx import round_to_fp16, run_torch
from scanside.runtime.protocol import Arrays
from trainer.models import checkpoint as checkpoints


class TorchRunner:
    """The checkpoint at `path`, its large weights rounded to FP16 as `convert` does.

    Raises:
        InputError: no checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self._network = round_to_fp16(checkpoints.load(path).network())

    @property
    def name(self) -> str:
        return f"torch {torch.__version__}, CPU"

    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        names = [name for name in ("scan", "clinical") if name in inputs]
        return run_torch(self._network, {name: inputs[name] for name in names})
