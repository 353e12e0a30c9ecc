"""`trainer run default-choices` and `default-folds`: the default model's protocol (docs/default-model.md).

Choices look at one inner split; outer fits are each evaluated once, on the fold that they did not train on.
Both keep what they predicted, and every look at a scan that was not trained on is written down.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import lightning
import numpy as np
import torch
from numpy.typing import NDArray

from scanside.image import Size
from trainer.data import mmotu
from trainer.data.loader import make_plain_loader, make_training_loader
from trainer.data.mmotu import MmotuImage, PreparedScans
from trainer.data.slides import make_mmotu_slides
from trainer.default_model.figures import HeldOut, compute_figures, make_plain
from trainer.default_model.outputs import Outputs, run_network
from trainer.default_model.stress import measure_stress
from trainer.denoiser.ready import ReadyDenoiser
from trainer.files.arrays import load_arrays, save_arrays
from trainer.files.write import write_file
from trainer.models.build import build_network
from trainer.models.imagenet import load_imagenet, name_weights
from trainer.models.spec import NetworkSpec
from trainer.runs.claim import claim_folder
from trainer.settings.augmentation import Augmentation
from trainer.settings.configuration import Loss, Optimiser, Training
from trainer.training.fit import NetworkModule, fit_network
from trainer.training.hardware import Hardware, make_repeatable

UNTOUCHED_FOLD = 0  # no choice looks at it
INNER_FOLD = 1  # choices are measured on it, and trained on the folds after it
_SHOWN = 16  # training scans on which the curves of a run are drawn: no other scan is looked at on the way


@dataclass(frozen=True)
class FitRecipe:
    """Every number of one fit.

    Attributes:
        sizes: (first epoch, rows and columns of the views) in rising order; the last is tested.
        images: use only so many of each part; None is all.
    """

    network: NetworkSpec = field(
        default_factory=lambda: NetworkSpec("efficientnet_lite0", "mtl", len(mmotu.CLASSES))
    )
    sizes: tuple[tuple[int, Size], ...] = ((0, Size(112, 176)),)
    optimiser: Optimiser = field(
        default_factory=lambda: Optimiser("adamw", 7e-4, weight_decay=0.05, schedule="cosine")
    )
    training: Training = field(default_factory=lambda: Training(20, 16, "last epoch", ema=0.99))
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(scale=0.15, gamma=0.4))
    dice_weight: float = 1.0
    seed: int = 0
    images: int | None = None

    @property
    def size(self) -> Size:
        return self.sizes[-1][1]


_STRESS = Augmentation(scale=0.25, shift=0.1, gamma=0.4, gain=0.5, border=0.2, jpeg=0.3)
# In the order in which they are run: each that is finished can be compared with the first.
CHOICES: Mapping[str, FitRecipe] = {
    "plain": FitRecipe(),
    "stress": FitRecipe(augmentation=_STRESS),
    "guided": FitRecipe(
        network=NetworkSpec("efficientnet_lite0", "mtl", len(mmotu.CLASSES), guided=True),
    ),
    "guided-stress": FitRecipe(
        network=NetworkSpec("efficientnet_lite0", "mtl", len(mmotu.CLASSES), guided=True),
        augmentation=_STRESS,
    ),
    "guided-stress-40-epochs": FitRecipe(
        network=NetworkSpec("efficientnet_lite0", "mtl", len(mmotu.CLASSES), guided=True),
        augmentation=_STRESS,
        training=Training(40, 16, "last epoch", ema=0.99),
    ),
}
_OUTER_SIZES = ((0, Size(112, 176)), (10, Size(168, 272)))
_OUTER_TRAINING = Training(34, 16, "last epoch", ema=0.995)


def choose_outer_recipe(choice: str) -> FitRecipe:
    """Return the recipe of the outer folds once `choice` is made."""
    return replace(CHOICES[choice], sizes=_OUTER_SIZES, training=_OUTER_TRAINING)


def shrink_recipe(recipe: FitRecipe) -> FitRecipe:
    """Return the same recipe with a few small images, to see that everything works."""
    training = replace(recipe.training, epochs=1, batch=8)
    return replace(recipe, sizes=((0, Size(40, 64)),), training=training, images=32)


def list_choice_parts() -> tuple[list[MmotuImage], list[MmotuImage]]:
    """List (trained on, looked at) of every choice; the untouched fold is in neither."""
    entries = mmotu.read_split()
    inside = [e for e in entries if e.fold not in (UNTOUCHED_FOLD, INNER_FOLD)]
    return inside, [e for e in entries if e.fold == INNER_FOLD]


def list_outer_parts(fold: int) -> tuple[list[MmotuImage], list[MmotuImage]]:
    """List (trained on, tested once) of an outer fold."""
    entries = mmotu.read_split()
    return [e for e in entries if e.fold != fold], [e for e in entries if e.fold == fold]


def run_fit(
    data: Path,
    folder: Path,
    recipe: FitRecipe,
    parts: tuple[Sequence[MmotuImage], Sequence[MmotuImage]],
    weights: str,
    denoiser: ReadyDenoiser | None,
    what: str,
) -> HeldOut:
    """Train on the first part, test on the second once; a finished fit is only read.

    Args:
        folder: where it is written; a broken-off fit goes on from there.
        weights: "none", "imagenet", or the path of a file, see `load_imagenet`.
        what: named in the progress bar and in the list of looks.

    Raises:
        SettingError: the folder holds a fit with another recipe, other scans, weights, another denoiser, or
            of scans that were prepared in another way.
    """
    trained, tested = (_take_few(part, recipe.images) for part in parts)
    made = {
        "recipe": asdict(recipe),
        "weights": name_weights(weights, recipe.network.encoder),
        "denoiser": denoiser and denoiser.document["fingerprint"],
        "trained on": [entry.image for entry in trained],
        "tested on": [entry.image for entry in tested],
    }
    claim_folder(folder, made)
    result = folder / "held_out.npz"
    if result.exists():
        return load_arrays(HeldOut, result, "predictions")
    lightning.seed_everything(recipe.seed, verbose=False)
    remove = denoiser.denoiser if denoiser else None
    train = mmotu.prepare_scans(data, trained, recipe.size, f"training scans, {what}", denoiser=remove)
    claim_folder(folder, {"prepared": hashlib.sha256(train.scans.tobytes()).hexdigest()}, "prepared.json")
    class_weights = weigh_classes(train.labels)
    network = build_network(recipe.network)
    if weights != "none":
        source = None if weights == "imagenet" else Path(weights)
        load_imagenet(network.features, source, recipe.network.encoder)
    loss = Loss(recipe.dice_weight, class_weights=tuple(class_weights.tolist()))
    slides = make_mmotu_slides(train)
    with make_repeatable(Hardware()):
        fit_network(
            NetworkModule(network, loss, recipe.optimiser, recipe.training, recipe.seed),
            make_training_loader(
                slides,
                sizes=recipe.sizes,
                ranges=recipe.augmentation,
                batch=recipe.training.batch,
                seed=recipe.seed,
            ),
            make_plain_loader(slides.take(np.arange(len(slides)) < _SHOWN), recipe.training.batch),
            folder,
            what,
        )
    torch.save(network.state_dict(), folder / "weights.pt")
    held = mmotu.prepare_scans(data, tested, recipe.size, f"held-out scans, {what}", denoiser=remove)
    outputs = run_network(network, held, what)
    outputs = replace(outputs, logits=outputs.logits - np.log(class_weights))
    held_out = _collect_held_out(held, outputs)
    changes = measure_stress(network, held, outputs, np.log(class_weights))
    write_file(folder / "stress.json", (json.dumps(changes, indent=2) + "\n").encode())
    write_look(folder.parent, what, held_out)
    save_arrays(held_out, result)
    (folder / "last.ckpt").unlink(missing_ok=True)  # large, and of use to a broken-off fit only
    return held_out


def weigh_classes(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weigh classes by one over the root of a class's frequency, 1 in the mean: (classes,)."""
    weights = np.bincount(labels, minlength=len(mmotu.CLASSES)).clip(min=1) ** -0.5
    return np.asarray(weights / weights.mean(), np.float64)


def write_look(folder: Path, what: str, held_out: HeldOut) -> None:
    """Add a line to looks.jsonl: which scans were looked at, when, and what was seen."""
    path = folder / "looks.jsonl"
    before = path.read_bytes() if path.exists() else b""
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "what": what,
        "scans": len(held_out.images),
        "figures": make_plain(compute_figures(held_out)),
    }
    write_file(path, before + (json.dumps(line) + "\n").encode())


def _collect_held_out(held: PreparedScans, outputs: Outputs) -> HeldOut:
    return HeldOut(
        images=np.array([entry.image for entry in held.entries], np.int64),
        examinations=np.array([entry.examination for entry in held.entries], np.int64),
        labels=held.labels,
        logits=outputs.logits,
        iou=outputs.iou,
    )


def _take_few(entries: Sequence[MmotuImage], images: int | None) -> list[MmotuImage]:
    """Take the first `images`, malignant ones before others, so that a small part holds both kinds."""
    return sorted(entries, key=lambda entry: entry.label != mmotu.MALIGNANT)[:images]
