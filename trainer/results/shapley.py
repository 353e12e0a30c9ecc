"""How much of a decision is image, how much clinical facts: Shapley values of the two branches."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.data.loader import make_plain_loader
from trainer.data.slides import Slides
from trainer.models.heads import CLINICAL_FEATURES
from trainer.models.network import Network
from trainer.training.hardware import Hardware


@dataclass(frozen=True)
class BranchShares:
    """Shapley values (Shapley, 1953) of the two branches, in log odds of malignancy, (N,) each.

    They add up to the slide's log odds less the mean over slides whose image and facts are mixed at random.
    """

    image: NDArray[np.float64]
    clinical: NDArray[np.float64]

    @property
    def clinical_share(self) -> NDArray[np.float64]:
        """(N,) from 0 to 1: the clinical branch's part of both sizes; one half where both are 0."""
        image, clinical = np.abs(self.image), np.abs(self.clinical)
        total = image + clinical
        share = np.divide(clinical, total, out=np.full_like(total, 0.5), where=total > 0)
        return np.asarray(share, np.float64)


def compute_branch_shares(network: Network, slides: Slides, hardware: Hardware) -> BranchShares:
    """Compare each slide's image and facts with those of all slides, exactly: every pair is computed.

    Args:
        network: classifies into benign and malignant, with clinical facts.
    """
    assert network.head is not None
    image, clinical = _collect_features(network, network.head, slides, hardware)
    pairs = _compute_log_odds(network.head, image, clinical)
    whole, of_image, of_facts, base = pairs.diagonal(), pairs.mean(1), pairs.mean(0), pairs.mean()
    return BranchShares(
        image=((of_image - base) + (whole - of_facts)) / 2,
        clinical=((of_facts - base) + (whole - of_image)) / 2,
    )


@torch.inference_mode()
def _collect_features(
    network: Network, head: nn.Module, slides: Slides, hardware: Hardware
) -> tuple[Tensor, Tensor]:
    """Collect what each branch hands to the head, (N, D) each."""
    seen: list[Tensor] = []
    watch = head.register_forward_pre_hook(lambda _, given: seen.append(given[0].cpu()))
    network.eval().to(hardware.device)
    try:
        for batch in make_plain_loader(slides, 16):
            facts = batch["clinical"][:, : network.spec.clinical_inputs]
            network(batch["scan"].to(hardware.device), facts.to(hardware.device))
    finally:
        watch.remove()
        network.cpu()
    features = torch.cat(seen)
    return features[:, :-CLINICAL_FEATURES], features[:, -CLINICAL_FEATURES:]


@torch.inference_mode()
def _compute_log_odds(head: nn.Module, image: Tensor, clinical: Tensor) -> NDArray[np.float64]:
    """Compute (N, N): image of the row with facts of the column. Each kind of facts is computed once."""
    kinds, which = torch.unique(clinical, dim=0, return_inverse=True)
    columns = []
    for kind in kinds:
        logits = head(torch.cat([image, kind.expand(len(image), -1)], dim=1))
        columns.append((logits[:, 1] - logits[:, 0]).double())
    return torch.stack(columns, dim=1)[:, which].numpy()
