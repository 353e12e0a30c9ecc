"""One checkpoint and the bundle made of it. The network is untrained: what counts here is equality."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: export's tests need scanside-export[convert]")

import torch

from export.convert import Parity, convert
from scanside.image import Size
from scanside.model.bundle import Bundle
from trainer.models import checkpoint as checkpoints
from trainer.models.build import build_network
from trainer.models.checkpoint import Checkpoint
from trainer.models.spec import EncoderName, NetworkSpec


def checkpoint_of(clinical_inputs: tuple[str, ...] = (), encoder: EncoderName = "efficientnet") -> Checkpoint:
    """An untrained network of two classes at 56 x 88, its batch norms as uneven as trained ones."""
    torch.manual_seed(3)
    spec = NetworkSpec(encoder, "mtl", classes=2, clinical_inputs=len(clinical_inputs), unet_width=4)
    network = build_network(spec)
    for norm in [part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)]:
        torch.nn.init.uniform_(norm.weight, 0.3, 1.7)
        torch.nn.init.normal_(norm.bias, std=0.3)
    for _ in range(3):
        network(torch.rand(8, 1, 56, 88), torch.rand(8, len(clinical_inputs)) if clinical_inputs else None)
    features = network.eval()(torch.rand(1, 1, 56, 88), torch.rand(1, len(clinical_inputs))).features
    assert features is not None
    width = features.shape[1]
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10}
    return Checkpoint(
        spec=spec,
        state=dict(network.state_dict()),
        classes=(("benign", False), ("malignant", True)),
        input_size=Size(56, 88),
        clinical_inputs=clinical_inputs,
        reference={"mean": torch.zeros(width), "whitening": torch.eye(width, 8)},
        manifest={
            "name": "untrained",
            "version": "0",
            "intended_use": "Tests.",
            "training": {"summary": "nothing", "initial_weights": "none"},
            "threshold": {"risk": 0.5, "chosen": "nothing", "provisional": "untrained"},
            "calibration": {"method": "none", "measured_on": "nothing", "prevalence": 0.5},
            "reference": {"method": "distance", "max_distance": 999.0, "accepted_on_test": 1.0},
            "performance": {"measured_on": "nothing", "auc": estimate},
        },
    )


@pytest.fixture(scope="session")
def checkpoint_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "checkpoint.pt"
    checkpoints.save(checkpoint_of(("menopausal_status", "oncology_centre")), path)
    return path


@pytest.fixture(scope="session")
def exported(checkpoint_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle, Parity]:
    folder = tmp_path_factory.mktemp("bundle")
    bundle, parity = convert(checkpoint_path, folder)
    return folder, bundle, parity
