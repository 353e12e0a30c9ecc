"""What the default model's network gives on prepared scans, and the figures that follow from it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import log_softmax

from trainer.data.loader import make_plain_loader
from trainer.data.mmotu import MALIGNANT, PreparedScans
from trainer.data.slides import make_mmotu_slides
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.figures import make_auc_figure, make_mean_figure
from trainer.terminal.progress import track
from trainer.training.metrics import compute_iou


@dataclass(frozen=True)
class Outputs:
    """One row per image.

    Attributes:
        logits: (N, classes) float64.
        features: (N, D) float64.
        iou: (N,), at a lesion probability above one half, in the network's input.
        labels: (N,).
    """

    logits: NDArray[np.float64]
    features: NDArray[np.float64]
    iou: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        return np.asarray(np.exp(log_softmax(torch.from_numpy(self.logits), dim=1).numpy()), np.float64)

    @property
    def risk(self) -> NDArray[np.float64]:
        """(N,): probability of the malignant class."""
        return self.probabilities[:, MALIGNANT]

    @property
    def malignant(self) -> NDArray[np.bool_]:
        return np.asarray(self.labels == MALIGNANT, bool)


@torch.inference_mode()
def run_network(network: nn.Module, data: PreparedScans, what: str, batch: int = 16) -> Outputs:
    """Run `network` over `data` in evaluation mode."""
    network.eval()
    rows = []
    for item in track(make_plain_loader(make_mmotu_slides(data), batch), f"evaluating on {what}"):
        output = network(item["scan"])
        iou = compute_iou(output.lesion_logits > 0, item["mask"] > 0)
        rows.append((output.class_logits, output.features, iou))
    logits, features, ious = (torch.cat(column).double().numpy() for column in zip(*rows, strict=True))
    return Outputs(logits, features, ious, data.labels)


def compute_figures(outputs: Outputs, threshold: float) -> dict[str, Estimate]:
    """Compute the figures of a report, each with its 95 % interval over images."""
    malignant, called = outputs.malignant, outputs.risk >= threshold
    right = outputs.logits.argmax(1) == outputs.labels
    return {
        "auc": estimate(make_auc_figure(malignant, outputs.risk)),
        "sensitivity": estimate_proportion(int(called[malignant].sum()), int(malignant.sum())),
        "specificity": estimate_proportion(int((~called[~malignant]).sum()), int((~malignant).sum())),
        "accuracy_8_classes": estimate_proportion(int(right.sum()), len(right)),
        "iou": estimate(make_mean_figure(outputs.iou)),
    }
