"""Train one arm with one seed, and predict its validation and test slides; finished work is not repeated."""

from pathlib import Path

import lightning
import numpy as np
import torch
from rich.console import Console

from scanside.scan.types import Size
from trainer.configuration import Configuration
from trainer.data import mmotu
from trainer.data.loader import plain_loader, training_loader
from trainer.data.slides import CLINICAL_INPUTS, Slides, hospital_slides, mmotu_slides
from trainer.examples import choose
from trainer.experiments.arm import Arm
from trainer.experiments.cascade import crop_slides
from trainer.experiments.plan import Plan, claim
from trainer.models.build import build
from trainer.models.carry_over import carry_over
from trainer.models.imagenet import load_imagenet
from trainer.models.network import Network
from trainer.predictions import Predictions, load_predictions, predict
from trainer.training import Fitting, fit

_PARTS = ("validation", "test")


def train_arm(arm: Arm, seed: int, plan: Plan) -> tuple[Predictions, Predictions]:
    """Train `arm`, or go on, or find that it is done.

    Returns:
        Predictions on the validation and on the test slides.
    """
    folder = plan.folder(arm, seed)
    configuration = plan.configuration(arm)
    if not all((folder / f"{part}.npz").exists() for part in _PARTS):
        _train(arm, seed, plan, configuration, folder)
    validation, test = (load_predictions(folder / f"{part}.npz") for part in _PARTS)
    return validation, test


def load_arm(arm: Arm, seed: int, plan: Plan) -> Network:
    """The trained network of `arm`, in evaluation mode."""
    network = _network(arm, plan.configuration(arm))
    network.load_state_dict(torch.load(plan.folder(arm, seed) / "weights.pt", weights_only=True))
    return network.eval()


def slides_of(arm: Arm, seed: int, plan: Plan, part: str) -> Slides:
    """One part of the arm's data, as its network gets it."""
    configuration = plan.configuration(arm)
    source, size = plan.source(arm), configuration.input.size
    if arm.dataset == "mmotu":
        slides = mmotu_slides(source, size, part, plan.images)
    else:
        slides = hospital_slides(source, size, part, patients=plan.patients)
    if arm.crops_with:
        slides = crop_slides(slides, load_arm(arm.crops_with, seed, plan), configuration.input)
    return slides


def _train(arm: Arm, seed: int, plan: Plan, configuration: Configuration, folder: Path) -> None:
    torch.set_flush_denormal(True)  # vanishing moments of the optimiser slow a CPU down several times
    torch.use_deterministic_algorithms(True, warn_only=True)
    Console().rule(f"{arm.slug}, seed {seed}" + (f" ({plan.scale})" if plan.scale != "full" else ""))
    train, validation, test = (slides_of(arm, seed, plan, part) for part in ("train", *_PARTS))
    claim(folder, arm, configuration, train.fingerprint)
    train = share_of(train, arm.share, seed)
    lightning.seed_everything(seed, verbose=False)
    network = _network(arm, configuration)
    if plan.weights != "none" and arm.encoder != "unet":
        load_imagenet(network.features, None, arm.encoder)
    if arm.starts_from:
        source = torch.load(plan.folder(arm.starts_from, seed) / "weights.pt", weights_only=True)
        (folder / "carried_over.txt").write_text(f"{carry_over(source, network)}\n")
    training = configuration.training
    size = Size(*train.scans.shape[1:])
    loader = training_loader(
        train, sizes=((0, size),), ranges=configuration.augmentation, batch=training.batch, seed=seed
    )
    fitting = Fitting(network, configuration.loss, configuration.optimiser, training, seed)
    fit(fitting, loader, plain_loader(validation, training.batch), folder)
    torch.save(network.state_dict(), folder / "weights.part")
    (folder / "weights.part").replace(folder / "weights.pt")
    found = {
        part: predict(network, slides, _classes(arm), f"{part} slides")
        for part, slides in zip(_PARTS, (validation, test), strict=True)
    }
    choose(network, test, found["test"]).save(folder / "examples.npz")
    for part, predictions in found.items():
        predictions.save(folder / f"{part}.npz")


def share_of(slides: Slides, share: float, seed: int) -> Slides:
    """All slides of a `share` of the patients, of each label alike; a larger share holds the smaller ones."""
    if share >= 1:
        return slides
    rng = np.random.default_rng(seed)
    patients, first = np.unique(slides.patients, return_index=True)
    kept: list[str] = []
    for label in np.unique(slides.labels):
        mine = rng.permutation(patients[slides.labels[first] == label])
        kept += list(mine[: max(1, round(share * len(mine)))])
    return slides.take(np.isin(slides.patients, kept))


def _network(arm: Arm, configuration: Configuration) -> Network:
    clinical = len(CLINICAL_INPUTS) if arm.clinical else 0
    return build(configuration.spec(arm.encoder, arm.task, _classes(arm), clinical))


def _classes(arm: Arm) -> int:
    return len(mmotu.CLASSES) if arm.dataset == "mmotu" else 2
