"""Which weights a training keeps."""

import csv
from pathlib import Path

import pytest
import torch

from scanside.scan.types import Size
from trainer.configuration import Loss, Optimiser, Training
from trainer.data.augment import Augmentation
from trainer.data.loader import plain_loader, training_loader
from trainer.data.slides import mmotu_slides
from trainer.losses import terms
from trainer.models.build import build
from trainer.models.spec import NetworkSpec
from trainer.training import Fitting, fit


@pytest.mark.parametrize("ema", [0.0, 0.9], ids=["weights", "averaged weights"])
def test_the_kept_weights_have_the_lowest_validation_loss(
    ema: float, mmotu_like: Path, tmp_path: Path
) -> None:
    size = Size(40, 64)
    train, validation = (mmotu_slides(mmotu_like, size, part, images=16) for part in ("train", "validation"))
    torch.manual_seed(0)
    network = build(NetworkSpec("efficientnet", "seg"))
    training = Training(epochs=4, batch=8, ema=ema)
    fitting = Fitting(network, Loss(), Optimiser("sgd", 0.3), training, seed=0)
    loader = training_loader(train, sizes=((0, size),), ranges=Augmentation(), batch=8, seed=0)
    fit(fitting, loader, plain_loader(validation, 16), tmp_path, "a test")
    with (tmp_path / "logs" / "metrics.csv").open() as file:
        logged = [float(row["validation/loss"]) for row in csv.DictReader(file) if row["validation/loss"]]
    assert len(set(logged)) == 4
    (batch,) = plain_loader(validation, 16)
    with torch.inference_mode():
        kept = float(terms(network(batch["scan"]), batch, Loss())["loss"])
    assert kept == pytest.approx(min(logged), abs=1e-5)
    assert not network.training
