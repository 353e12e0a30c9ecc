"""`trainer run edge-denoiser`: the network that takes annotations out of scans beside the scanner.

Trained on scans of MMOTU onto which more annotations are drawn. Thresholds are chosen on the validation part,
figures are of the test part. docs/denoiser.md says how and why.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import lightning
import numpy as np
import torch
from numpy.typing import NDArray

from scanside.image import Size
from trainer.denoiser import checkpoint as checkpoints
from trainer.denoiser.checkpoint import DenoiserCheckpoint
from trainer.denoiser.drawings import Drawings
from trainer.denoiser.figures import choose_threshold, measure_detection, measure_restoration
from trainer.denoiser.fitting import EdgeDenoiserModule
from trainer.denoiser.loader import Views, make_plain_loader, make_training_loader
from trainer.denoiser.pairs import ScanPair, stack_pairs
from trainer.denoiser.sources import describe_training, make_pairs, read_part
from trainer.files.write import write_file
from trainer.models.denoiser.edge import EdgeDenoiser
from trainer.runs.claim import claim_folder
from trainer.settings.configuration import Optimiser, Training
from trainer.statistics.estimate import Estimate
from trainer.training.fit import fit_network
from trainer.training.hardware import Hardware, make_repeatable

SMALL, BETWEEN, LARGE, WINDOW = Size(168, 272), Size(256, 408), Size(336, 544), Size(160, 256)
_MIN_PIXELS, _MAX_SHARE = 16, 0.25  # fewer pixels are none: a letter has more. More of it can be no ink alone


@dataclass(frozen=True)
class EdgeDenoiserRecipe:
    """Every number of the run.

    Attributes:
        widths, dilations: of the network.
        sizes: of the pairs, by turns; the first is the one that thresholds and figures are of.
        flow_every: every so many-th scan makes one more pair, with colours of flow on it.
        outlined: how many more pairs are made on scans whose annotations a person outlined.
        window: of a view.
        undrawn: share of the training pairs onto which nothing is drawn.
        draw_every: epochs after which all are drawn again.
        scans: use only so many of each part; None is all.
    """

    widths: tuple[int, ...] = (8, 16, 32, 64)
    dilations: tuple[int, ...] = (2, 4)
    sizes: tuple[Size, ...] = (SMALL, LARGE, SMALL, BETWEEN)
    flow_every: int = 3
    outlined: int = 3
    window: Size = WINDOW
    views: Views = field(default_factory=Views)
    undrawn: float = 0.1
    draw_every: int = 10
    optimiser: Optimiser = field(
        default_factory=lambda: Optimiser("adamw", 2.5e-3, weight_decay=0.01, schedule="cosine")
    )
    training: Training = field(
        default_factory=lambda: Training(50, 8, "lowest validation loss", ema=0.99, precision="bf16-mixed")
    )
    scans: int | None = None
    seed: int = 0


def shrink_recipe(recipe: EdgeDenoiserRecipe) -> EdgeDenoiserRecipe:
    """Return the same recipe with a few small scans, to see that everything works. Its network is useless."""
    return replace(
        recipe,
        sizes=(Size(56, 88), Size(80, 128)),
        window=Size(48, 80),
        scans=12,
        draw_every=1,
        training=replace(recipe.training, epochs=2, batch=4),
    )


def train_edge_denoiser(
    data: Path, folder: Path, recipe: EdgeDenoiserRecipe, scale: str, start: Path | None = None
) -> dict[str, Estimate]:
    """Train, choose the threshold on validation pairs, measure once on test pairs.

    Args:
        data: a copy of MMOTU.
        folder: where the run is written; a broken-off run goes on from there.
        scale: "full" or "smoke", named in everything that is written.
        start: checkpoint of an earlier run whose weights this one begins with.

    Returns:
        The figures on test pairs.

    Raises:
        SettingError: the folder holds a run of another recipe, or begun with other weights.
    """
    begun_with = checkpoints.load(start) if start is not None else None
    initial = {"initial_weights": begun_with.document["fingerprint"]} if begun_with else {}
    claim_folder(folder, {"scale": scale, **asdict(recipe), **initial}, "recipe.json")
    lightning.seed_everything(recipe.seed, verbose=False)
    network = EdgeDenoiser(recipe.widths, recipe.dilations)
    if begun_with is not None:
        network.load_state_dict(begun_with.state)
    sources = read_part(data, "train", recipe.scans, every=True)
    drawings = Drawings(
        sources,
        recipe.sizes,
        recipe.seed,
        every=recipe.draw_every,
        undrawn=recipe.undrawn,
        outlined=recipe.outlined,
        flow_every=recipe.flow_every,
    )
    held_out = read_part(data, "validation", recipe.scans)
    validation = make_pairs(held_out, recipe.sizes[:1], recipe.seed + 1, what="validation pairs")
    fitting = EdgeDenoiserModule(network, recipe.optimiser, recipe.training, recipe.seed)
    with make_repeatable(Hardware()):
        loader = make_training_loader(
            len(drawings), drawings.at, recipe.window, recipe.views, recipe.training.batch, recipe.seed
        )
        against = make_plain_loader(validation, recipe.training.batch)
        fit_network(fitting, loader, against, folder, f"edge denoiser, seed {recipe.seed}")
    threshold = choose_threshold(predict_pairs(network, validation)[0], stack_pairs(validation))
    tested = read_part(data, "test", recipe.scans)
    test = make_pairs(tested, recipe.sizes[:1], recipe.seed + 2, what="test pairs")
    figures = measure_network(network, test, threshold)
    outlined = replace(tested, scans=tuple(scan for scan in tested.scans if scan.ink is not None))
    if outlined.scans:
        real = make_pairs(outlined, recipe.sizes[:1], recipe.seed, undrawn=1.0, what="real annotations")
        figures |= {
            f"{name}_real": figure for name, figure in measure_detector(network, real, threshold).items()
        }
    size = recipe.sizes[0]
    checkpoint = DenoiserCheckpoint(
        state=dict(network.state_dict()),
        widths=recipe.widths,
        dilations=recipe.dilations,
        manifest={
            "threshold": threshold,
            "min_pixels": _MIN_PIXELS,
            "max_share": _MAX_SHARE,
            "trained_on": describe_training(len(sources.scans), scale),
            "figures": {name: asdict(estimate) for name, estimate in figures.items()},
            "measured_on": f"{len(test)} pairs of {size.height} x {size.width} px on scans of the test part, "
            f"threshold chosen on {len(validation)} of the validation part; measured once",
            "data": {"training": sources.fingerprint, "test": tested.fingerprint},
            "recipe": asdict(recipe),
            **({"initial_weights": "none"} | initial),
        },
    )
    checkpoints.save(checkpoint, folder / "checkpoint.pt")
    write_file(folder / "evaluation.json", (json.dumps(checkpoint.manifest, indent=2) + "\n").encode())
    return figures


def measure_network(network: EdgeDenoiser, pairs: list[ScanPair], threshold: float) -> dict[str, Estimate]:
    """Measure every figure on pairs of one size, with colour and without; only the mask is replaced."""
    truth = stack_pairs(pairs)
    figures: dict[str, Estimate] = {}
    for name, grey in (("", False), ("_grey", True)):
        probability, clean = predict_pairs(network, pairs, grey=grey)
        shown = np.where(probability > threshold, clean, truth.scan.astype(np.float32) / 255)
        result = measure_restoration(shown, truth)
        figures |= {
            f"{n}{name}": f for n, f in _compute_detection_figures(probability > threshold, truth).items()
        }
        figures |= {f"psnr_inside{name}": result.psnr("inside"), f"ssim_inside{name}": result.ssim("inside")}
    return figures


def measure_detector(network: EdgeDenoiser, pairs: list[ScanPair], threshold: float) -> dict[str, Estimate]:
    """Measure the detector alone: what lies under real annotations is unknown."""
    return _compute_detection_figures(predict_pairs(network, pairs)[0] > threshold, stack_pairs(pairs))


def _compute_detection_figures(mask: NDArray[np.bool_], truth: ScanPair) -> dict[str, Estimate]:
    judged = measure_detection(mask, truth)
    return {
        "f1": judged.f1,
        "f1_but_for_rims": judged.f1_but_for_rims,
        "precision": judged.precision,
        "recall": judged.recall,
        "replaced_tissue": judged.replaced_tissue,
    }


@torch.inference_mode()
def predict_pairs(
    network: EdgeDenoiser, pairs: list[ScanPair], *, grey: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Predict annotation_probability and clean, (N, H, W) float32, of pairs of one size.

    Args:
        grey: let the network see no colour, as on data sets that hold none.
    """
    network.eval()
    outputs = [
        network(batch["scan"], batch["chroma"] * (0 if grey else 1)) for batch in make_plain_loader(pairs, 8)
    ]
    probability, clean = (torch.cat(parts).numpy() for parts in zip(*outputs, strict=True))
    return probability, clean
