"""Train one arm with one seed, and predict its validation and test slides; finished work is not repeated."""

import io
from functools import lru_cache
from pathlib import Path

import lightning
import numpy as np
import torch

from scanside.errors import SettingError
from scanside.image import Size
from trainer.data import mmotu
from trainer.data.hospital import read_dataset
from trainer.data.loader import make_plain_loader, make_training_loader
from trainer.data.slides import UNKNOWN, Slides, read_hospital_slides, read_mmotu_slides
from trainer.files.arrays import save_arrays
from trainer.files.write import write_file
from trainer.models.build import build_network
from trainer.models.carry_over import carry_over
from trainer.models.imagenet import load_imagenet, name_weights
from trainer.models.network import Network
from trainer.runs.arm import Arm
from trainer.runs.cascade import crop_slides
from trainer.runs.examples import choose_examples
from trainer.runs.finished import PARTS, RunRecord, claim_arm, digest_file, is_done
from trainer.runs.plan import Plan
from trainer.runs.predictions import predict_slides
from trainer.settings.configuration import Configuration, Input
from trainer.training.fit import NetworkModule, fit_network
from trainer.training.hardware import Hardware, make_repeatable


def train_arm(arm: Arm, seed: int, plan: Plan, hardware: Hardware) -> None:
    """Train `arm`, or go on, or find that it is done.

    Raises:
        SettingError: the arm's folder holds a training with other settings or on other data, or the
            training diverged.
    """
    folder, configuration = plan.folder(arm, seed), plan.configuration(arm)
    builds_on = {needed.slug: digest_file(plan.folder(needed, seed) / "weights.pt") for needed in arm.needs}
    data = _identify_data(arm.dataset, plan.source(arm))
    claim_arm(folder, RunRecord(arm, seed, configuration, name_initial_weights(arm, plan), *data, builds_on))
    if not is_done(folder):
        with make_repeatable(hardware):
            _train_and_predict(arm, seed, plan, hardware, configuration, folder)


def name_initial_weights(arm: Arm, plan: Plan) -> str:
    """Name what the arm's encoder starts from; there are no ImageNet weights for U-Net.

    Raises:
        SettingError: the file can't be read.
    """
    return name_weights("none" if arm.encoder == "unet" else plan.weights, arm.encoder)


def load_arm(arm: Arm, seed: int, plan: Plan) -> Network:
    """Load the trained network of `arm`, in evaluation mode."""
    network = _build_network(arm, plan.configuration(arm))
    network.load_state_dict(torch.load(plan.folder(arm, seed) / "weights.pt", weights_only=True))
    return network.eval()


def read_slides(arm: Arm, seed: int, plan: Plan, part: str, hardware: Hardware) -> Slides:
    """Read one part of the arm's data, as its network gets it."""
    settings = plan.configuration(arm).input
    most = plan.images if arm.dataset == "mmotu" else plan.patients
    slides = _read_part(arm.dataset, plan.source(arm), settings, part, most)
    if arm.crops_with:
        slides = crop_slides(slides, load_arm(arm.crops_with, seed, plan), settings, hardware)
    return slides


@lru_cache(maxsize=3)  # the parts of one data set: the arms of a table share them
def _read_part(dataset: str, source: Path, settings: Input, part: str, most: int | None) -> Slides:
    if dataset == "mmotu":
        split, fold = settings.split, settings.test_fold
        return read_mmotu_slides(source, settings.size, part, most, settings.mask_above, split, fold)
    return read_hospital_slides(source, settings.size, part, most, settings.mask_above)


@lru_cache
def _identify_data(dataset: str, source: Path) -> tuple[str, str]:
    if dataset == "mmotu":
        return dataset, mmotu.compute_fingerprint(source)
    cohort = read_dataset(source)
    return str(cohort.about["kind"]), cohort.fingerprint


def _train_and_predict(
    arm: Arm, seed: int, plan: Plan, hardware: Hardware, configuration: Configuration, folder: Path
) -> None:
    train, validation, test = (read_slides(arm, seed, plan, part, hardware) for part in ("train", *PARTS))
    train = take_share(train, arm.share, seed)
    if arm.clinical and configuration.input.ca125 and (train.clinical[:, -1] == UNKNOWN).all():
        raise SettingError(
            f"{arm.slug}: input.ca125 is set, but CA125 is known of no training patient. Leave it out, or "
            "prepare the data set with a table that has it."
        )
    lightning.seed_everything(seed, verbose=False)
    network = _build_network(arm, configuration)
    if name_initial_weights(arm, plan) != "none":
        source = None if plan.weights == "imagenet" else Path(plan.weights)
        load_imagenet(network.features, source, arm.encoder)
    if arm.starts_from:
        start = torch.load(plan.folder(arm.starts_from, seed) / "weights.pt", weights_only=True)
        (folder / "carried_over.txt").write_text(f"{carry_over(start, network)}\n")
    training = configuration.training
    loader = make_training_loader(
        train,
        sizes=((0, Size(*train.scans.shape[1:])),),
        ranges=configuration.augmentation,
        batch=hardware.share(training.batch),
        seed=seed,
        workers=hardware.workers,
    )
    held_out = make_plain_loader(validation, training.batch, hardware.workers)
    fitting = NetworkModule(network, configuration.loss, configuration.optimiser, training, seed)
    fit_network(fitting, loader, held_out, folder, f"{arm.slug}, seed {seed}", hardware)
    weights = io.BytesIO()
    torch.save(network.state_dict(), weights)
    write_file(folder / "weights.pt", weights.getvalue())
    predicted = {
        part: predict_slides(network, slides, _count_classes(arm), f"{part} slides", hardware.device)
        for part, slides in zip(PARTS, (validation, test), strict=True)
    }
    save_arrays(choose_examples(network, test, predicted["test"]), folder / "examples.npz")
    for part, predictions in predicted.items():
        save_arrays(predictions, folder / f"{part}.npz")
    for checkpoint in ("best.ckpt", "last.ckpt"):  # large, and of use to a broken-off training only
        (folder / checkpoint).unlink(missing_ok=True)


def take_share(slides: Slides, share: float, seed: int) -> Slides:
    """Take all slides of a `share` of the patients of each label; a larger share holds the smaller ones."""
    if share >= 1:
        return slides
    rng = np.random.default_rng(seed)
    patients, first = np.unique(slides.patients, return_index=True)
    kept: list[str] = []
    for label in np.unique(slides.labels):
        mine = rng.permutation(patients[slides.labels[first] == label])
        kept += list(mine[: max(1, round(share * len(mine)))])
    return slides.take(np.isin(slides.patients, kept))


def _build_network(arm: Arm, configuration: Configuration) -> Network:
    clinical = configuration.input.clinical_facts if arm.clinical else 0
    return build_network(configuration.spec(arm.encoder, arm.task, _count_classes(arm), clinical))


def _count_classes(arm: Arm) -> int:
    return len(mmotu.CLASSES) if arm.dataset == "mmotu" else 2
