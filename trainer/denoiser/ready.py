"""A denoiser from a file, a checkpoint or a bundle, run by the same code as beside the scanner."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from scanside.assess.denoise import Denoiser, denoiser_of
from scanside.errors import SettingError
from scanside.model.bundle import load_bundle
from scanside.runtime.protocol import Arrays
from trainer.denoiser import checkpoint as checkpoints

OUTPUTS = ("annotation_probability", "clean")


@dataclass(frozen=True)
class ReadyDenoiser:
    """A denoiser and what is known of it.

    Attributes:
        document: the `denoiser` of a bundle's manifest.
    """

    denoiser: Denoiser
    document: Mapping[str, Any]


class TorchDenoiser:
    """Runs an edge denoiser that was not exported yet."""

    name = f"PyTorch {torch.__version__}, CPU"

    def __init__(self, network: nn.Module) -> None:
        self._network = network.eval()

    @torch.inference_mode()
    def run(self, inputs: Arrays) -> dict[str, NDArray[np.float32]]:
        outputs = self._network(*(torch.from_numpy(inputs[name]) for name in ("scan", "chroma")))
        return {name: value.numpy() for name, value in zip(OUTPUTS, outputs, strict=True)}


def is_bundle(path: Path) -> bool:
    """Return whether `path` is to be read as a bundle: a folder or a .zip. A checkpoint is another file."""
    return path.is_dir() or path.suffix == ".zip"


def open_denoiser(path: Path) -> ReadyDenoiser:
    """Open the denoiser in the checkpoint or in the bundle (folder or .zip) at `path`.

    Raises:
        InputError: there is none.
    """
    if is_bundle(path):
        bundle = load_bundle(path, allow_test_only=True)
        denoiser = denoiser_of(bundle)
        if denoiser is None:
            raise SettingError(f"{path} has no denoiser. Name a checkpoint of one, or a bundle that has one.")
        return ReadyDenoiser(denoiser, bundle.manifest.document["denoiser"])
    checkpoint = checkpoints.load(path)
    denoiser = Denoiser(TorchDenoiser(checkpoint.network()), checkpoint.limits)
    return ReadyDenoiser(denoiser, checkpoint.document)
