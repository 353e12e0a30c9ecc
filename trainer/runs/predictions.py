"""What an arm's network says about slides, kept beside its weights: tables and reports are made of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softmax

from trainer.data.loader import make_plain_loader
from trainer.data.slides import Slides
from trainer.files.arrays import load_arrays
from trainer.models.network import Network
from trainer.terminal.progress import track
from trainer.training.metrics import compute_iou


@dataclass(frozen=True)
class Predictions:
    """One row per slide.

    Attributes:
        names, patients, labels: of the slides.
        probabilities: (N, classes) float32; NaN for an arm that only segments.
        iou: (N,) float32 at a lesion probability above one half, in the network's input; NaN for an arm
            that only classifies. A slide without a mask counts as an empty one: leave it out by `has_mask`.
        has_mask: (N,) bool.
    """

    names: NDArray[np.str_]
    patients: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    iou: NDArray[np.float32]
    has_mask: NDArray[np.bool_]


def load_predictions(path: Path) -> Predictions:
    """Read what `save_arrays` wrote of them.

    Raises:
        InputError: the file is missing or damaged.
    """
    return load_arrays(Predictions, path, "predictions")


@torch.inference_mode()
def predict_slides(
    network: Network, slides: Slides, classes: int, what: str, device: torch.device, batch: int = 16
) -> Predictions:
    """Run `network` over `slides` in evaluation mode on `device`; it is left on the CPU.

    Args:
        what: named by the progress bar.
    """
    network.eval().to(device)
    probabilities = np.full((len(slides), classes), np.nan, np.float32)
    iou = np.full(len(slides), np.nan, np.float32)
    start = 0
    for item in track(make_plain_loader(slides, batch), f"evaluating on {what}"):
        clinical = item["clinical"][:, : network.spec.clinical_inputs]
        output = network(item["scan"].to(device), clinical.to(device))
        rows = slice(start, start := start + len(item["label"]))
        if output.class_logits is not None:
            probabilities[rows] = softmax(output.class_logits.float(), dim=1).cpu().numpy()
        if output.lesion_logits is not None:
            outlined = output.lesion_logits.cpu() > 0
            iou[rows] = compute_iou(outlined, item["mask"] > 0).numpy()
    network.cpu()
    return Predictions(slides.names, slides.patients, slides.labels, probabilities, iou, slides.has_mask)
