"""A trained network on disk."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from scanside.errors import SettingError
from scanside.image import Size
from trainer.models import checkpoint_file
from trainer.models.build import build_network
from trainer.models.network import Network
from trainer.models.spec import NetworkSpec

FORMAT = "scanside-checkpoint/1"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that export needs to write a bundle.

    Attributes:
        spec: which network.
        state: its state_dict; temperature and priors are folded into its last layer.
        classes: (name, malignant) in the order of the output.
        input_size: rows and columns the network was trained for.
        clinical_inputs: names, in order.
        reference: arrays of scanside.assess.gate.Reference.
        manifest: name, version, intended use, training, threshold, performance, calibration and
            reference, as they go into the bundle's manifest.
    """

    spec: NetworkSpec
    state: dict[str, Tensor]
    classes: tuple[tuple[str, bool], ...]
    input_size: Size
    clinical_inputs: tuple[str, ...]
    reference: dict[str, Tensor]
    manifest: dict[str, Any]

    def __post_init__(self) -> None:
        """
        Raises:
            SettingError: the network has no lesion mask or no classes, or other classes or clinical facts.
        """
        named = (len(self.classes), len(self.clinical_inputs))
        if self.spec.task != "mtl" or (self.spec.classes, self.spec.clinical_inputs) != named:
            raise SettingError(
                "a model needs a network of task mtl with as many classes and clinical facts as it names "
                f"({named[0]} and {named[1]}), not one of task {self.spec.task} with {self.spec.classes} and "
                f"{self.spec.clinical_inputs}. Train one of task mtl."
            )

    def network(self) -> Network:
        """Build the network with its weights, in evaluation mode."""
        network = build_network(self.spec)
        network.load_state_dict(self.state)
        return network.eval()


def save(checkpoint: Checkpoint, path: Path) -> None:
    size, spec = tuple(checkpoint.input_size), asdict(checkpoint.spec)
    checkpoint_file.write(path, FORMAT, {**vars(checkpoint), "input_size": size, "spec": spec}, "manifest")


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. An older one does not say which network it is of: there was one only.

    Raises:
        InputError: `path` holds no checkpoint of this version, or one whose parts do not fit each other.
    """

    def build_checkpoint(content: dict[str, Any]) -> Checkpoint:
        counts = (len(content["classes"]), len(content["clinical_inputs"]))
        spec = (
            NetworkSpec(**content["spec"])
            if "spec" in content
            else NetworkSpec("efficientnet", "mtl", *counts)
        )
        checkpoint = Checkpoint(**{**content, "spec": spec, "input_size": Size(*content["input_size"])})
        checkpoint.network()  # weights that are not this network's are refused here
        return checkpoint

    return checkpoint_file.read(path, FORMAT, build_checkpoint, "manifest", "trainer run")
