"""A trained network on disk."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from scanside.scan.types import Size
from trainer import checkpoint_file
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
    content = {**vars(checkpoint), "input_size": tuple(checkpoint.input_size)}
    checkpoint_file.write(path, FORMAT, content, "manifest")


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        InputError: `path` holds no checkpoint of this version.
    """

    def build_checkpoint(content: dict[str, Any]) -> Checkpoint:
        return Checkpoint(**{**content, "input_size": Size(*content["input_size"])})

    return checkpoint_file.read(path, FORMAT, build_checkpoint, "manifest", "trainer run")
