"""A trained edge denoiser on disk."""

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from scanside.model.manifest import DenoiserLimits
from trainer.models import checkpoint_file
from trainer.models.denoiser.edge import EdgeDenoiser

FORMAT = "scanside-denoiser/1"


@dataclass(frozen=True)
class DenoiserCheckpoint:
    """Everything that export needs to put the denoiser into a bundle.

    Attributes:
        state: the network's state_dict.
        widths, dilations: of the network.
        manifest: `threshold`, `min_pixels`, `max_share`, `trained_on` and `figures`, as they go into a
            bundle's manifest (docs/bundle.md); the fingerprint is added here.
    """

    state: dict[str, Tensor]
    widths: tuple[int, ...]
    dilations: tuple[int, ...]
    manifest: dict[str, Any]

    def network(self) -> EdgeDenoiser:
        """Build the network with its weights, in evaluation mode."""
        network = EdgeDenoiser(self.widths, self.dilations)
        network.load_state_dict(self.state)
        return network.eval()

    @property
    def limits(self) -> DenoiserLimits:
        return DenoiserLimits(**{field.name: self.manifest[field.name] for field in fields(DenoiserLimits)})

    @property
    def document(self) -> dict[str, Any]:
        """The bundle's `denoiser`."""
        digest = hashlib.sha256(repr((self.widths, self.dilations)).encode())
        for name, values in sorted(self.state.items()):
            digest.update(name.encode() + values.contiguous().numpy().tobytes())
        return {**self.manifest, "fingerprint": digest.hexdigest()}


def save(checkpoint: DenoiserCheckpoint, path: Path) -> None:
    checkpoint_file.write(path, FORMAT, vars(checkpoint), "manifest")


def load(path: Path) -> DenoiserCheckpoint:
    """Read a checkpoint.

    Raises:
        InputError: `path` holds no denoiser of this version.
    """
    return checkpoint_file.read(path, FORMAT, _check_content, "manifest", "trainer run edge-denoiser")


def _check_content(content: dict[str, Any]) -> DenoiserCheckpoint:
    checkpoint = DenoiserCheckpoint(**content)
    checkpoint.network(), checkpoint.limits, checkpoint.manifest["trained_on"]  # refused where one lacks
    return checkpoint
