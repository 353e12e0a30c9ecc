"""A trained edge denoiser on disk: weights and plain values, so that reading one can't run code."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scanside.errors import InputError
from scanside.manifest import DenoiserLimits
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
        """The network with its weights, in evaluation mode."""
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
    """Write `checkpoint` in one step: a broken-off write leaves no half file under `path`."""
    part = path.with_suffix(".part")
    content = {"format": FORMAT, **vars(checkpoint), "manifest": json.dumps(checkpoint.manifest)}
    torch.save(content, part)
    part.replace(path)


def load(path: Path) -> DenoiserCheckpoint:
    """Read a checkpoint.

    Raises:
        InputError: `path` holds no denoiser of this version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        content["manifest"] = json.loads(content["manifest"])
        checkpoint = DenoiserCheckpoint(**content)
        checkpoint.network(), checkpoint.limits
        return checkpoint
    except FileNotFoundError:
        raise InputError(f"no denoiser at {path}. `trainer run edge-denoiser` writes one.") from None
    except Exception as error:
        raise InputError(
            f"{path} is no denoiser of this version ({FORMAT}): {error}. Train it again."
        ) from error
