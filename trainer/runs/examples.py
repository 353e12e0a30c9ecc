"""A few test slides of an arm, right and wrong, kept with their outlines so that a report can show them."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.visualize.class_activation_maps import GradCAM
from numpy.typing import NDArray
from torch import Tensor, nn

from scanside.image import Mask
from trainer.data.loader import make_item
from trainer.data.slides import Slides
from trainer.files.arrays import load_arrays
from trainer.models.network import Network
from trainer.runs.predictions import Predictions

_EACH = 4  # of the surest right, the surest wrong and the doubtful


@dataclass(frozen=True)
class Examples:
    """One row per slide.

    Attributes:
        kinds: (N,) "right", "wrong", "doubtful".
        scans: (N, H, W) uint8.
        drawn: (N, H, W) bool, the expert's mask.
        outlined: (N, H, W) bool, the network's; nothing for an arm that only classifies.
        saliency: (N, H, W) uint8, where the encoder's last stage speaks for `called` (Grad-CAM; Selvaraju
            et al., ICCV 2017), 255 at the slide's strongest; nothing for an arm that only segments.
        labels: (N,); `called`: (N,) the likeliest class, -1 for an arm that only segments.
        sure: (N,) probability of `called`, or the IoU of an arm that only segments.
    """

    kinds: NDArray[np.str_]
    scans: NDArray[np.uint8]
    drawn: Mask
    outlined: Mask
    saliency: NDArray[np.uint8]
    labels: NDArray[np.int64]
    called: NDArray[np.int64]
    sure: NDArray[np.float32]


def load_examples(path: Path) -> Examples:
    """Read what `save_arrays` wrote of them.

    Raises:
        InputError: the file is missing or damaged.
    """
    return load_arrays(Examples, path, "examples")


def choose_examples(network: Network, slides: Slides, predictions: Predictions) -> Examples:
    """Choose the surest right, the surest wrong and the most doubtful slides, by a rule and not by taste.

    An arm that only segments is judged on slides with a mask.
    """
    judged = np.ones(len(slides), bool)
    if network.head is None:
        judged = predictions.has_mask if predictions.has_mask.any() else judged
        called = np.full(len(slides), -1)
        sure = predictions.iou
        right = sure >= 0.5
        rank = np.where(right, sure, 1 - sure)
    else:
        called = predictions.probabilities.argmax(axis=1)
        sure = predictions.probabilities.max(axis=1)
        right = called == slides.labels
        rank = sure
    order = [i for i in np.argsort(-rank, kind="stable") if judged[i]]
    groups = {
        "right": [i for i in order if right[i]][:_EACH],
        "wrong": [i for i in order if not right[i]][:_EACH],
    }
    taken = {i for rows in groups.values() for i in rows}
    groups["doubtful"] = [i for i in order[::-1] if i not in taken][:_EACH]
    rows = np.array([i for group in groups.values() for i in group])
    return Examples(
        kinds=np.array([kind for kind, group in groups.items() for _ in group]),
        scans=slides.scans[rows],
        drawn=slides.masks[rows],
        outlined=_predict_outlines(network, slides, rows),
        saliency=_compute_saliency(network, slides, rows),
        labels=slides.labels[rows],
        called=called[rows],
        sure=sure[rows].astype(np.float32),
    )


@torch.inference_mode()
def _predict_outlines(network: Network, slides: Slides, rows: NDArray[np.intp]) -> Mask:
    """Predict what the network outlines, (rows, H, W)."""
    outlined = np.zeros((len(rows), *slides.scans.shape[1:]), bool)
    for number, row in enumerate(rows):
        logits = network(*_make_inputs(network, slides, int(row))).lesion_logits
        if logits is not None:
            outlined[number] = (logits[0, 0] > 0).numpy()
    return outlined


def _compute_saliency(network: Network, slides: Slides, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Compute what the network looks at, (rows, H, W)."""
    saliency = np.zeros((len(rows), *slides.scans.shape[1:]), np.uint8)
    if network.head is None:
        return saliency
    *_, (last, _) = network.features.named_children()
    # A copy, for MONAI leaves its hooks behind; the map as it is, for MONAI would turn it upside down.
    camera = GradCAM(
        _Classifier(copy.deepcopy(network)), f"network.features.{last}", postprocessing=lambda heat: heat
    )
    for number, row in enumerate(rows):
        scan, clinical = _make_inputs(network, slides, int(row))
        heat = camera(scan, clinical=clinical)[0, 0].detach().numpy()
        if heat.max() > 0:
            saliency[number] = np.rint(255 * heat / heat.max())
    return saliency


def _make_inputs(network: Network, slides: Slides, row: int) -> tuple[Tensor, Tensor]:
    item = make_item(slides, row, slides.scans[row], slides.masks[row])
    return item["scan"][None], item["clinical"][None, : network.spec.clinical_inputs]


class _Classifier(nn.Module):
    """The network as MONAI's Grad-CAM wants it: logits out."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, scan: Tensor, clinical: Tensor) -> Tensor:
        logits: Tensor = self.network(scan, clinical).class_logits
        return logits
