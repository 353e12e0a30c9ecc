"""What the clinical facts say: figure 4, a classifier without an image, and the switch at inference."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch.nn.functional import softmax

from scanside.facts import Centre, MenopausalStatus
from trainer.data.hospital import Cohort
from trainer.data.loader import make_plain_loader
from trainer.data.slides import CLINICAL_INPUTS, Slides, encode_facts
from trainer.models.network import Network
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.figures import make_auc_figure, make_mean_figure
from trainer.training.hardware import Hardware


def estimate_malignancy_by_facts(cohort: Cohort) -> dict[tuple[str, str], Estimate]:
    """Estimate the share of malignant patients by centre and menopausal status (thesis, figure 4)."""
    shares = {}
    for centre in Centre:
        for status in MenopausalStatus:
            malignant = [
                patient.malignant
                for patient in cohort.patients
                if patient.record.centre is centre and patient.record.menopausal_status is status
            ]
            if malignant:
                shares[centre.value, status.value] = estimate_proportion(sum(malignant), len(malignant))
    return shares


def evaluate_facts_alone(cohort: Cohort, count: int = 2) -> Estimate:
    """Estimate the AUC by patients of a logistic regression on the first `count` facts (thesis, 2.2 and 2.3).

    Fitted on the training part, tested on the test part; one row per patient.

    Returns:
        Without a value, with the reason, where all training patients are of one class.
    """
    facts = np.array([encode_facts(patient.record)[:count] for patient in cohort.patients])
    malignant = np.array([patient.malignant for patient in cohort.patients])
    train = np.array([patient.part == "train" for patient in cohort.patients])
    if len(np.unique(malignant[train])) < 2:
        return Estimate(np.nan, np.nan, np.nan, int((~train).sum()), "all training patients are of one class")
    model = LogisticRegression().fit(facts[train], malignant[train])
    return estimate(make_auc_figure(malignant[~train], model.predict_proba(facts[~train])[:, 1]))


@dataclass(frozen=True)
class ToggledFact:
    """The test slides with one fact set to one value for everybody.

    Attributes:
        shift: mean change of the risk against the true facts.
        flipped: share of slides whose decision at the threshold changes.
        auc: with the fact set so.
    """

    fact: str
    value: int
    shift: float
    flipped: Estimate
    auc: Estimate


def toggle_facts(network: Network, slides: Slides, threshold: float, hardware: Hardware) -> list[ToggledFact]:
    """Predict with each clinical input switched at inference (thesis, section 8)."""
    malignant = slides.labels == 1
    read = slides.clinical[:, : network.spec.clinical_inputs]
    true = _predict_risk(network, slides, read, hardware.device)
    toggled = []
    for column, fact in enumerate(CLINICAL_INPUTS[: read.shape[1]]):
        for value in (0, 1):
            facts = read.copy()
            facts[:, column] = value
            risk = _predict_risk(network, slides, facts, hardware.device)
            flips = estimate(make_mean_figure((risk >= threshold) != (true >= threshold), slides.patients))
            auc = estimate(make_auc_figure(malignant, risk, slides.patients))
            toggled.append(ToggledFact(fact, value, float((risk - true).mean()), flips, auc))
    return toggled


@torch.inference_mode()
def _predict_risk(
    network: Network, slides: Slides, facts: NDArray[np.float32], device: torch.device
) -> NDArray[np.float64]:
    start, risks = 0, []
    network.eval().to(device)
    for batch in make_plain_loader(slides, 16):
        end = start + len(batch["label"])
        logits = network(batch["scan"].to(device), torch.from_numpy(facts[start:end]).to(device)).class_logits
        risks.append(softmax(logits.float(), dim=1)[:, 1].cpu())
        start = end
    network.cpu()
    return torch.cat(risks).double().numpy()
