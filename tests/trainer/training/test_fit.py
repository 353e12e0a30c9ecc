"""Which weights a training keeps."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from scanside.errors import InputError
from scanside.image import Size
from trainer.data.loader import make_plain_loader, make_training_loader
from trainer.data.slides import Slides, read_mmotu_slides
from trainer.models.build import build_network
from trainer.models.spec import NetworkSpec
from trainer.settings.augmentation import Augmentation
from trainer.settings.configuration import Loss, Optimiser, Training
from trainer.training.fit import NetworkModule, fit_network
from trainer.training.hardware import Hardware
from trainer.training.losses import compute_terms


@pytest.mark.parametrize("ema", [0.0, 0.9], ids=["weights", "averaged weights"])
def test_the_kept_weights_have_the_lowest_validation_loss(
    ema: float, mmotu_like: Path, tmp_path: Path
) -> None:
    size = Size(40, 64)
    train, validation = (
        read_mmotu_slides(mmotu_like, size, part, images=16) for part in ("train", "validation")
    )
    torch.manual_seed(0)
    network = build_network(NetworkSpec("efficientnet", "seg"))
    training = Training(epochs=4, batch=8, ema=ema)
    fitting = NetworkModule(network, Loss(), Optimiser("sgd", 0.3), training, seed=0)
    loader = make_training_loader(train, sizes=((0, size),), ranges=Augmentation(), batch=8, seed=0)
    fit_network(fitting, loader, make_plain_loader(validation, 16), tmp_path, "a test")
    with (tmp_path / "logs" / "metrics.csv").open() as file:
        logged = [float(row["validation/loss"]) for row in csv.DictReader(file) if row["validation/loss"]]
    assert len(set(logged)) == 4
    (batch,) = make_plain_loader(validation, 16)
    with torch.inference_mode():
        kept = float(compute_terms(network(batch["scan"]), batch, Loss())["loss"])
    assert kept == pytest.approx(min(logged), abs=1e-5)
    assert not network.training


def test_no_iou_is_logged_of_slides_without_a_mask(tmp_path: Path) -> None:
    names, scans = np.array(list("abcd")), np.full((4, 40, 64), 99, np.uint8)
    has_mask = np.array([True, True, False, False])
    masks, facts = np.repeat(has_mask, 40 * 64).reshape(scans.shape), np.full((4, 3), 0.5, np.float32)
    slides = Slides(names, names, np.zeros(4, np.int64), scans, masks, has_mask, facts, "")
    network = build_network(NetworkSpec("unet", "seg", unet_width=2))
    with torch.no_grad():
        network.lesion.weight.zero_()
        network.lesion.bias.fill_(1)  # outlines everything
    fitting = NetworkModule(network, Loss(), Optimiser("sgd", 1e-9), Training(epochs=1, batch=2), seed=0)
    loader = make_training_loader(slides, sizes=((0, Size(40, 64)),), ranges=Augmentation(), batch=2, seed=0)
    fit_network(fitting, loader, make_plain_loader(slides, 2), tmp_path, "a test")
    with (tmp_path / "logs" / "metrics.csv").open() as file:
        assert [row["validation/iou"] for row in csv.DictReader(file) if row["validation/iou"]] == ["1.0"]


def test_two_processes_share_each_batch(mmotu_like: Path, tmp_path: Path) -> None:
    """Distributed data parallel as over GPUs, here over two processes of the CPU."""
    size = Size(40, 64)
    train, validation = (
        read_mmotu_slides(mmotu_like, size, part, images=16) for part in ("train", "validation")
    )
    hardware = Hardware("cpu", devices=2)
    network = build_network(NetworkSpec("efficientnet", "mtl", 8))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plan = Training(epochs=2, batch=8)
    fitting = NetworkModule(network, Loss(), Optimiser("sgd", 0.1), plan, seed=0)
    loader = make_training_loader(
        train, sizes=((0, size),), ranges=Augmentation(), batch=hardware.share(plan.batch), seed=0
    )
    fit_network(fitting, loader, make_plain_loader(validation, 16), tmp_path, "a test", hardware)
    finished = torch.load(tmp_path / "last.ckpt", weights_only=False)
    assert finished["global_step"] == 2 * 16 // 8  # both take a half of every batch: steps as with one
    after = network.state_dict()
    assert any(not torch.equal(after[name], value) for name, value in before.items())
    assert all(torch.equal(after[name], value) for name, value in _best(tmp_path).items())


def _best(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "best.ckpt", weights_only=False)["state_dict"]
    return {name.removeprefix("network."): value for name, value in state.items()}


class _Code:
    """What a pickle may do when it is read: here no more than make a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self._path,)


def test_nothing_in_a_strangers_run_folder_is_run(mmotu_like: Path, tmp_path: Path) -> None:
    size, made = Size(40, 64), tmp_path / "made"
    slides = read_mmotu_slides(mmotu_like, size, "train", images=8)
    folder = tmp_path / "run"
    folder.mkdir()
    torch.save({"state_dict": _Code(made)}, folder / "last.ckpt")
    fitting = NetworkModule(
        build_network(NetworkSpec("efficientnet", "seg")),
        Loss(),
        Optimiser("sgd", 0.3),
        Training(epochs=1),
        seed=0,
    )
    loader = make_training_loader(slides, sizes=((0, size),), ranges=Augmentation(), batch=8, seed=0)
    with pytest.raises(InputError, match=r"last\.ckpt is not a checkpoint of this training"):
        fit_network(fitting, loader, make_plain_loader(slides, 8), folder, "a test")
    assert not made.exists()
