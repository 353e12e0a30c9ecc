"""A few test slides of an arm, right and wrong, kept with their outlines so that a report can show them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scanside.scan.types import Mask
from trainer.data.loader import to_item
from trainer.data.slides import Slides
from trainer.models.network import Network
from trainer.predictions import Predictions

_EACH = 4  # of the surest right, the surest wrong and the doubtful


@dataclass(frozen=True)
class Examples:
    """One row per slide.

    Attributes:
        kinds: (N,) "right", "wrong", "doubtful".
        scans: (N, H, W) uint8.
        drawn: (N, H, W) bool, the expert's mask.
        outlined: (N, H, W) bool, the network's; nothing for an arm that only classifies.
        labels: (N,); `called`: (N,) the likeliest class, -1 for an arm that only segments.
        sure: (N,) probability of `called`, or the IoU of an arm that only segments.
    """

    kinds: NDArray[np.str_]
    scans: NDArray[np.uint8]
    drawn: Mask
    outlined: Mask
    labels: NDArray[np.int64]
    called: NDArray[np.int64]
    sure: NDArray[np.float32]

    def save(self, path: Path) -> None:
        np.savez_compressed(path, **vars(self))


def load_examples(path: Path) -> Examples:
    """Read what `Examples.save` wrote."""
    with np.load(path, allow_pickle=False) as content:
        return Examples(**{name: content[name] for name in content.files})


@torch.inference_mode()
def choose(network: Network, slides: Slides, predictions: Predictions) -> Examples:
    """The surest right, the surest wrong and the most doubtful slides, by a rule and not by taste."""
    if network.head is None:
        called = np.full(len(slides), -1)
        sure = predictions.iou
        right = sure >= 0.5
        rank = np.where(right, sure, 1 - sure)
    else:
        called = predictions.probabilities.argmax(axis=1)
        sure = predictions.probabilities.max(axis=1)
        right = called == slides.labels
        rank = sure
    order = np.argsort(-rank, kind="stable")
    groups = {
        "right": [i for i in order if right[i]][:_EACH],
        "wrong": [i for i in order if not right[i]][:_EACH],
    }
    taken = {i for rows in groups.values() for i in rows}
    groups["doubtful"] = [i for i in order[::-1] if i not in taken][:_EACH]
    rows = np.array([i for group in groups.values() for i in group])
    outlined = np.zeros((len(rows), *slides.scans.shape[1:]), bool)
    for number, i in enumerate(rows):
        item = to_item(slides, int(i), slides.scans[i], slides.masks[i])
        logits = network(
            item["scan"][None], item["clinical"][None, : network.spec.clinical_inputs]
        ).lesion_logits
        if logits is not None:
            outlined[number] = (logits[0, 0] > 0).numpy()
    return Examples(
        kinds=np.array([kind for kind, group in groups.items() for _ in group]),
        scans=slides.scans[rows],
        drawn=slides.masks[rows],
        outlined=outlined,
        labels=slides.labels[rows],
        called=called[rows],
        sure=sure[rows].astype(np.float32),
    )
