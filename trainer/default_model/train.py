"""`trainer run default-model`: the network of the bundle that scanside ships, trained on MMOTU.

Not an arm of the thesis: it trains on small views first and then at the bundle's size, keeps averaged
weights, and its encoder is the lite one. docs/training.md says how and why.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanside import __version__
from scanside.errors import SettingError
from scanside.image import Size
from trainer.data import mmotu
from trainer.data.loader import make_plain_loader, make_training_loader
from trainer.data.mmotu import MmotuImage, PreparedScans
from trainer.data.slides import make_mmotu_slides
from trainer.default_model.outputs import Outputs, compute_figures, run_network
from trainer.denoiser.ready import ReadyDenoiser
from trainer.files.arrays import save_arrays
from trainer.files.write import write_file
from trainer.models import checkpoint as checkpoints
from trainer.models.build import build_network
from trainer.models.checkpoint import Checkpoint
from trainer.models.imagenet import load_imagenet, name_weights
from trainer.models.network import Network
from trainer.models.spec import NetworkSpec
from trainer.runs.claim import claim_folder
from trainer.settings.augmentation import Augmentation
from trainer.settings.configuration import Loss, Optimiser, Training
from trainer.statistics.calibration import fit_temperature
from trainer.statistics.estimate import Estimate
from trainer.training.fit import NetworkModule, fit_network
from trainer.training.hardware import Hardware, make_repeatable

LEFT = ("last.ckpt", "checkpoint.pt")  # what a run leaves: after its first epoch, and at its end


@dataclass(frozen=True)
class DefaultModelRecipe:
    """Every number of the run.

    Attributes:
        network: which; its classes are MMOTU's.
        sizes: (first epoch, rows and columns of the views) in rising order; the last is the bundle's.
        images: use only so many of each part; None is all.
        development_fold: fold of the training set that is held out to calibrate, to choose the
            threshold and to set the out-of-distribution limit.
        specificity: the threshold is the risk that this share of benign development images stays below.
        inlier_share: share of the development images that the out-of-distribution gate lets through.
        reference_variance: share of the feature variance that the gate's directions keep.
    """

    network: NetworkSpec = field(
        default_factory=lambda: NetworkSpec("efficientnet_lite0", "mtl", len(mmotu.CLASSES))
    )
    sizes: tuple[tuple[int, Size], ...] = ((0, Size(112, 176)), (10, Size(168, 272)))
    optimiser: Optimiser = field(
        default_factory=lambda: Optimiser("adamw", 7e-4, weight_decay=0.05, schedule="cosine")
    )
    training: Training = field(
        default_factory=lambda: Training(34, 16, "last epoch", ema=0.995, precision="bf16-mixed")
    )
    seed: int = 0
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(scale=0.15, gamma=0.4))
    dice_weight: float = 1.0
    images: int | None = None
    development_fold: int = 0
    specificity: float = 0.8
    inlier_share: float = 0.95
    reference_variance: float = 0.999

    @property
    def size(self) -> Size:
        return self.sizes[-1][1]


def shrink_recipe(recipe: DefaultModelRecipe) -> DefaultModelRecipe:
    """Return the same recipe with a few small images, to see that everything works. Its model is useless."""
    small = ((0, Size(40, 64)), (1, Size(56, 88)))
    return replace(recipe, sizes=small, images=48, training=replace(recipe.training, epochs=2, batch=8))


def train_default_model(
    data: Path,
    folder: Path,
    recipe: DefaultModelRecipe,
    weights: str,
    scale: str,
    denoiser: ReadyDenoiser | None = None,
    trained: Checkpoint | None = None,
) -> dict[str, Estimate]:
    """Train, calibrate on the development fold, evaluate once on the official val images.

    Args:
        data: a copy of MMOTU.
        folder: where the run is written; a broken-off run goes on from there.
        weights: "none", "imagenet" (of the installed package), or the path of its file; "none" beside
            `trained`, which says itself what it began with.
        scale: "full" or "smoke", named in everything that is written.
        denoiser: takes the annotations out of every image first, as the bundle's edge will.
        trained: a finished run; nothing is trained, and every figure is measured again.

    Returns:
        The figures on the official val images that have no near-duplicate in the training set.

    Raises:
        SettingError: `trained` is of other classes or of another input size, or the folder holds a run of
            another recipe, with another denoiser or other initial weights.
    """
    if trained is not None:
        _check_same(trained, recipe)
    fingerprint = denoiser and denoiser.document["fingerprint"]
    initial = name_weights(weights, recipe.network.encoder)
    if trained is not None:
        initial = trained.manifest["training"]["initial_weights"]
    made = {"scale": scale, "denoiser": fingerprint, "initial_weights": initial, **asdict(recipe)}
    made |= {} if trained is None else {"trained": "in an earlier run"}
    if not any(
        (folder / name).exists() for name in LEFT
    ):  # a run that failed before it wrote any weights binds no other
        (folder / "recipe.json").unlink(missing_ok=True)
    claim_folder(folder, made, "recipe.json")
    lightning.seed_everything(recipe.seed, verbose=False)
    parts, remove = choose_parts(recipe), denoiser.denoiser if denoiser else None
    train = mmotu.prepare_scans(data, parts["train"], recipe.size, "training images", denoiser=remove)
    development = mmotu.prepare_scans(
        data, parts["development"], recipe.size, "development images", denoiser=remove
    )
    if trained is None:
        network = _train_network(train, development, folder, recipe, weights)
        prior, before = np.log(_weigh_classes(train.labels).numpy().astype(np.float64)), 1.0
    else:  # its priors are taken off already, and its temperature is multiplied by what is missing
        network = trained.network()
        prior, before = np.zeros(len(mmotu.CLASSES)), trained.manifest["calibration"]["temperature"]
    calibration = _calibrate(network, prior, before, run_network(network, development, "development images"))
    held_out = run_network(network, development, "development images")
    # Between two risks, as the quantile has it, and not trainer.statistics.operating_point's way: so the
    # threshold of the bundle that is shipped was chosen, and figures of it were published.
    threshold = float(np.quantile(held_out.risk[~held_out.malignant], recipe.specificity))
    reference = fit_reference(run_network(network, train, "training images"), recipe.reference_variance)
    max_distance = float(np.quantile(measure_distances(held_out.features, reference), recipe.inlier_share))
    test = mmotu.prepare_scans(data, parts["test"], recipe.size, "official val images", denoiser=remove)
    on_test = run_network(network, test, "official val images")
    result = compute_figures(on_test, threshold)
    passed = (measure_distances(on_test.features, reference) <= max_distance) & ~np.isnan(test.removed)
    _write_results(
        folder,
        Checkpoint(
            spec=network.spec,
            state=dict(network.state_dict()),
            classes=tuple((name, i == mmotu.MALIGNANT) for i, name in enumerate(mmotu.CLASSES)),
            input_size=recipe.size,
            clinical_inputs=(),
            reference={k: torch.from_numpy(v.astype(np.float32)) for k, v in reference.items()},
            manifest={
                "name": f"mmotu-{_name_network(network.spec)}-mtl" + ("" if scale == "full" else f"-{scale}"),
                "version": __version__,
                "test_only": scale != "full",
                "intended_use": "Research on transvaginal ultrasound of ovarian lesions. Not for diagnosis.",
                "training": _describe_training(train, recipe, initial, scale)
                if trained is None
                else _describe_taken_over(trained),
                **_describe_denoiser(denoiser, {"training": train, "development": development, "test": test}),
                "threshold": {
                    "risk": threshold,
                    "chosen": f"specificity {recipe.specificity} on {len(parts['development'])} "
                    "development images",
                    "provisional": f"sensitivity rests on {int(on_test.malignant.sum())} malignant images",
                },
                "calibration": calibration,
                "reference": {
                    "method": "Mahalanobis distance of early encoder features",
                    "max_distance": max_distance,
                    "accepted_on_test": float(passed.mean()),
                },
                "performance": {
                    "measured_on": f"{len(test.entries)} images of the official MMOTU val set, "
                    "those without a near-duplicate in the training set; "
                    + ("measured once" if trained is None else "measured again, with the weights unchanged"),
                    "fingerprint": test.fingerprint,
                    **{name: asdict(estimate) for name, estimate in result.items()},
                },
            },
        ),
        on_test,
    )
    return result


def _train_network(
    train: PreparedScans, development: PreparedScans, folder: Path, recipe: DefaultModelRecipe, weights: str
) -> Network:
    network = build_network(recipe.network)
    if weights != "none":
        source = None if weights == "imagenet" else Path(weights)
        load_imagenet(network.features, source, recipe.network.encoder)
    loss = Loss(recipe.dice_weight, class_weights=tuple(_weigh_classes(train.labels).tolist()))
    fitting = NetworkModule(network, loss, recipe.optimiser, recipe.training, recipe.seed)
    with make_repeatable(Hardware()):
        fit_network(
            fitting,
            make_training_loader(
                make_mmotu_slides(train),
                sizes=recipe.sizes,
                ranges=recipe.augmentation,
                batch=recipe.training.batch,
                seed=recipe.seed,
            ),
            make_plain_loader(make_mmotu_slides(development), recipe.training.batch),
            folder,
            f"default model, seed {recipe.seed}",
        )
    return network


def _name_network(network: NetworkSpec) -> str:
    return f"unet-{network.unet_width}" if network.encoder == "unet" else network.encoder.replace("_", "-")


def _check_same(trained: Checkpoint, recipe: DefaultModelRecipe) -> None:
    same = tuple(name for name, _ in trained.classes) == mmotu.CLASSES and trained.spec == recipe.network
    if not same or trained.input_size != recipe.size:
        raise SettingError(
            "--weights-from: the checkpoint is of another network, other classes or another input size than "
            "this run. Name a checkpoint of `trainer run default-model` of the same --scale."
        )


def choose_parts(recipe: DefaultModelRecipe) -> dict[str, list[MmotuImage]]:
    """Choose the images to train on, to calibrate by ("development"), and to measure on ("test")."""
    split = mmotu.read_split()
    inside = [e for e in split if e.part == "train"]
    parts = {
        "train": [e for e in inside if e.official_fold != recipe.development_fold],
        "development": [e for e in inside if e.official_fold == recipe.development_fold],
        "test": [e for e in split if e.part != "train" and not e.near_duplicate],
    }
    if recipe.images is None:
        return parts
    # Malignant images first: a small run has to see both kinds.
    return {
        name: sorted(entries, key=lambda e: e.label != mmotu.MALIGNANT)[: recipe.images]
        for name, entries in parts.items()
    }


def _weigh_classes(labels: NDArray[np.int64]) -> Tensor:
    """Weigh each class by one over the root of its frequency, mean 1: rare ones count more."""
    counts = np.bincount(labels, minlength=len(mmotu.CLASSES)).clip(min=1)
    weights = counts**-0.5
    return torch.tensor(weights / weights.mean(), dtype=torch.float32)


def _calibrate(
    network: Network, prior: NDArray[np.float64], before: float, held_out: Outputs
) -> dict[str, object]:
    """Fold priors and temperature into the last layer, so that the softmax is a probability.

    Training with class weights w teaches w times the odds: log w is taken off again (the argument of
    Menon et al., ICLR 2021), then one temperature is fitted on held-out images.

    Args:
        prior: log w, by class.
        before: the temperature that the logits were divided by already.
    """
    t = fit_temperature(held_out.logits - prior, held_out.labels)
    assert network.head is not None
    last = network.head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.div_(t)
        last.bias.sub_(torch.from_numpy(prior).float()).div_(t)
    return {
        "method": "class weights taken off the logits, then temperature",
        "temperature": before * t,
        "measured_on": f"{len(held_out.labels)} development images",
        "prevalence": float(held_out.malignant.mean()),
    }


def fit_reference(train: Outputs, variance: float) -> dict[str, NDArray[np.float64]]:
    """Fit mean and whitened principal directions of the training features (scanside.assess.gate)."""
    mean, deviation = train.features.mean(axis=0), train.features.std(axis=0) + 1e-6
    standard = (train.features - mean) / deviation
    _, scale, directions = np.linalg.svd(standard, full_matrices=False)
    share = np.cumsum(scale**2) / np.sum(scale**2)
    keep = int(np.searchsorted(share, variance)) + 1
    spread = scale[:keep] / np.sqrt(len(standard))
    return {"mean": mean, "whitening": directions[:keep].T / spread / deviation[:, None]}


def measure_distances(
    features: NDArray[np.float64], reference: dict[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Measure how far each row lies from the training images: (N, D) features -> (N,)."""
    white = (features - reference["mean"]) @ reference["whitening"]
    return np.asarray(np.sqrt(np.mean(white**2, axis=1)), np.float64)


def _describe_training(
    train: PreparedScans, recipe: DefaultModelRecipe, initial: str, scale: str
) -> dict[str, object]:
    n, malignant = len(train.entries), int((train.labels == mmotu.MALIGNANT).sum())
    return {
        "summary": f"{n} transvaginal scans of {mmotu.SOURCE}, {malignant} of them malignant"
        + ("" if scale == "full" else f"; {scale} run, its risks mean nothing"),
        "fingerprint": train.fingerprint,
        "initial_weights": initial,
        "recipe": asdict(recipe),
    }


def _describe_taken_over(trained: Checkpoint) -> dict[str, object]:
    """Describe the earlier training, and say that the rest was measured after it."""
    note = (
        "The weights were trained on scans as an earlier run prepared them; calibration, threshold, gate "
        "and figures are of the preparation in this bundle."
    )
    return {**trained.manifest["training"], "preparation": note}


def _describe_denoiser(denoiser: ReadyDenoiser | None, parts: dict[str, PreparedScans]) -> dict[str, object]:
    """Describe the denoiser: in how many images it found annotations, and in how many too many."""
    if denoiser is None:
        return {}
    counts = {
        name: {
            "images": len(part.entries),
            "annotated": int((part.removed > 0).sum()),
            "not_believed": int(np.isnan(part.removed).sum()),
        }
        for name, part in parts.items()
    }
    return {"denoiser": {**denoiser.document, "found": counts}}


def _write_results(folder: Path, checkpoint: Checkpoint, on_test: Outputs) -> None:
    save_arrays(on_test, folder / "test_predictions.npz")
    write_file(folder / "evaluation.json", (json.dumps(checkpoint.manifest, indent=2) + "\n").encode())
    checkpoints.save(checkpoint, folder / "checkpoint.pt")
