"""What a trained network gives on prepared scans, and the figures that follow from it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax

from trainer.data.loader import plain_loader
from trainer.data.mmotu import MALIGNANT, PreparedScans
from trainer.metrics import Estimate, auc, bootstrap, iou_per_image, proportion


@dataclass(frozen=True)
class Predictions:
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
        return np.exp(log_softmax(torch.from_numpy(self.logits), dim=1).numpy())

    @property
    def risk(self) -> NDArray[np.float64]:
        """(N,): probability of the malignant class."""
        return self.probabilities[:, MALIGNANT]

    @property
    def malignant(self) -> NDArray[np.bool_]:
        return self.labels == MALIGNANT


@torch.inference_mode()
def predict(network: nn.Module, data: PreparedScans, what: str, batch: int = 16) -> Predictions:
    """Run `network` over `data` in evaluation mode."""
    network.eval()
    rows = []
    for item in track(plain_loader(data, batch), f"evaluating on {what}", transient=True):
        output = network(item["scan"])
        iou = iou_per_image(output.lesion_logits > 0, item["mask"] > 0)
        rows.append((output.class_logits, output.features, iou))
    logits, features, ious = (torch.cat(column).double().numpy() for column in zip(*rows, strict=True))
    return Predictions(logits, features, ious, data.labels)


def temperature(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The divisor of the logits that minimises the negative log-likelihood (Guo et al., ICML 2017)."""
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    z, y = torch.from_numpy(logits), torch.from_numpy(labels)
    optimizer = torch.optim.LBFGS([log_t], line_search_fn="strong_wolfe", max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cross_entropy(z / log_t.exp(), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(log_t.detach().exp())


def figures(predictions: Predictions, threshold: float) -> dict[str, Estimate]:
    """The figures of a report, each with its 95 % interval over images."""
    p = predictions
    called = p.risk >= threshold
    right = p.logits.argmax(1) == p.labels
    return {
        "auc": bootstrap(auc, p.malignant, p.risk),
        "sensitivity": proportion(int(called[p.malignant].sum()), int(p.malignant.sum())),
        "specificity": proportion(int((~called[~p.malignant]).sum()), int((~p.malignant).sum())),
        "accuracy_8_classes": proportion(int(right.sum()), len(right)),
        "iou": bootstrap(lambda iou: float(iou.mean()), p.iou),
    }
