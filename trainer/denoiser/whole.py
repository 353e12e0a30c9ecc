"""A denoiser of whole scans on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanside.errors import RunnerError
from scanside.image import Size
from trainer.models import checkpoint_file
from trainer.models.denoiser.build import DenoiserName, build_denoiser

FORMAT = "scanside-whole-denoiser/1"


@dataclass(frozen=True)
class WholeCheckpoint:
    """A trained denoiser of whole scans.

    Attributes:
        state: the network's state_dict.
        name, width: of trainer.models.denoiser.build.
        size: rows and columns of the scans that it learnt on.
        about: how it was trained: arm, seed, configuration, fingerprint of the data, and in words.
    """

    state: dict[str, Tensor]
    name: DenoiserName
    width: int
    size: Size
    about: dict[str, Any]

    def network(self) -> nn.Module:
        """Build the network with its weights, in evaluation mode."""
        network = build_denoiser(self.name, self.width)
        network.load_state_dict(self.state)
        return network.eval()


def save(checkpoint: WholeCheckpoint, path: Path) -> None:
    content = {**vars(checkpoint), "size": tuple(checkpoint.size)}
    checkpoint_file.write(path, FORMAT, content, "about")


def load(path: Path) -> WholeCheckpoint:
    """Read a checkpoint.

    Raises:
        InputError: `path` holds no denoiser of whole scans of this version.
    """
    return checkpoint_file.read(path, FORMAT, _check_content, "about", "trainer run denoiser")


def _check_content(content: dict[str, Any]) -> WholeCheckpoint:
    checkpoint = WholeCheckpoint(**{**content, "size": Size(*content["size"])})
    checkpoint.network()
    return checkpoint


@torch.inference_mode()
def clean_scans(network: nn.Module, scans: NDArray[np.uint8], batch: int = 8) -> NDArray[np.float32]:
    """Clean scans: (N, H, W) uint8 -> (N, H, W) float32 in [0, 1], the whole output of a denoiser, clipped.

    Raises:
        RunnerError: it gave no numbers, which clipping would leave and bytes would show as black.
    """
    network.eval()
    cleaned = [
        network(torch.from_numpy(scans[row : row + batch])[:, None].float() / 255)[:, 0].clamp(0, 1)
        for row in range(0, len(scans), batch)
    ]
    given = torch.cat(cleaned).numpy()
    if not np.isfinite(given).all():
        raise RunnerError(
            "the denoiser gave values that are no numbers: its training diverged. Train it again."
        )
    return given
