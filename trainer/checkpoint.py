"""A trained network on disk: weights and plain values, so that reading one can't run code."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scanside.errors import InputError
from scanside.scan.types import Size
from trainer.models.build import build
from trainer.models.spec import NetworkSpec

FORMAT = "scanside-checkpoint/1"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that export needs to write a bundle.

    Attributes:
        state: the network's state_dict; temperature and priors are folded into its last layer.
        classes: (name, malignant) in the order of the output.
        input_size: rows and columns the network was trained for.
        clinical_inputs: names, in order.
        reference: arrays of scanside.ood.Reference.
        manifest: name, version, intended use, training, threshold, performance, calibration and
            reference, as they go into the bundle's manifest.
    """

    state: dict[str, Tensor]
    classes: tuple[tuple[str, bool], ...]
    input_size: Size
    clinical_inputs: tuple[str, ...]
    reference: dict[str, Tensor]
    manifest: dict[str, Any]

    def network(self) -> nn.Module:
        """The network with its weights, in evaluation mode."""
        network = build(NetworkSpec("efficientnet", "mtl", len(self.classes), len(self.clinical_inputs)))
        network.load_state_dict(self.state)
        return network.eval()


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write `checkpoint` in one step: a broken-off write leaves no half file under `path`."""
    part = path.with_suffix(".part")
    content = {
        "format": FORMAT,
        **vars(checkpoint),
        "input_size": tuple(checkpoint.input_size),
        "manifest": json.dumps(checkpoint.manifest),
    }
    torch.save(content, part)
    part.replace(path)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        InputError: `path` holds no checkpoint of this version.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        content["input_size"] = Size(*content["input_size"])
        content["manifest"] = json.loads(content["manifest"])
        return Checkpoint(**content)
    except FileNotFoundError:
        raise InputError(f"no checkpoint at {path}. `trainer run` writes checkpoint.pt.") from None
    except Exception as error:
        raise InputError(
            f"{path} is no checkpoint of this version ({FORMAT}): {error}. Train again with `trainer run`."
        ) from error
