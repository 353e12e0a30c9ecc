"""What the facts do in a network's decision, on networks whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
import torch

from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from trainer.data.hospital import Cohort, CohortPatient
from trainer.data.slides import CLINICAL_INPUTS, Slides
from trainer.models.build import build_network
from trainer.models.network import Network
from trainer.models.spec import NetworkSpec
from trainer.results.clinical import evaluate_facts_alone, toggle_facts
from trainer.results.shapley import compute_branch_shares
from trainer.training.hardware import Hardware

COUNT = 10


def slides() -> Slides:
    rng = np.random.default_rng(0)
    names = np.array([f"s{i}" for i in range(COUNT)])
    scans = rng.integers(0, 256, (COUNT, 40, 64), np.uint8)
    facts = rng.integers(0, 2, (COUNT, 3)).astype(np.float32)
    masks = np.zeros(scans.shape, bool)
    return Slides(names, names, np.arange(COUNT) % 2, scans, masks, np.zeros(COUNT, bool), facts, "")


def network(facts: int = 2) -> Network:
    torch.manual_seed(0)
    return build_network(NetworkSpec("unet", "cls", clinical_inputs=facts, unet_width=4)).eval()


def log_odds(net: Network, data: Slides) -> np.ndarray:
    with torch.inference_mode():
        scans = torch.from_numpy(data.scans)[:, None].float() / 255
        logits = net(scans, torch.from_numpy(data.clinical[:, : net.spec.clinical_inputs])).class_logits
    return (logits[:, 1] - logits[:, 0]).double().numpy()


@pytest.mark.parametrize("facts", [2, 3])
def test_shapley_values_add_up_to_the_decision(facts: int) -> None:
    net, data = network(facts), slides()
    shares = compute_branch_shares(net, data, Hardware())
    whole = shares.image + shares.clinical
    # Their sum differs from the log odds by one constant: the mean over mixed slides.
    np.testing.assert_allclose(whole - log_odds(net, data), (whole - log_odds(net, data))[0], atol=1e-6)
    assert ((shares.clinical_share > 0) & (shares.clinical_share < 1)).all()


def test_a_branch_that_says_nothing_has_no_share() -> None:
    net, data = network(), slides()
    with torch.no_grad():
        net.clinical[-2].weight.zero_()
    deaf = compute_branch_shares(net, data, Hardware())
    np.testing.assert_allclose(deaf.clinical, 0, atol=1e-6)
    same = slides()
    same.scans[:] = same.scans[0]
    np.testing.assert_allclose(compute_branch_shares(network(), same, Hardware()).image, 0, atol=1e-6)


@pytest.mark.parametrize("facts", [2, 3])
def test_a_fact_that_is_switched_to_what_it_is_changes_nothing(facts: int) -> None:
    net, data = network(facts), slides()
    data.clinical[:, 0] = 1
    found = toggle_facts(net, data, threshold=0.5, hardware=Hardware())
    assert [(t.fact, t.value) for t in found] == [(f, v) for f in CLINICAL_INPUTS[:facts] for v in (0, 1)]
    assert found[1].shift == 0 and found[1].flipped.value == 0
    assert found[0].shift != 0 and abs(found[0].shift) < 1


def told_by_menopause(part: str, malignant: bool, number: int) -> CohortPatient:
    status = MenopausalStatus.POST if malignant else MenopausalStatus.PRE
    fold = 0 if part == "train" else -1
    return CohortPatient(
        f"{part}{malignant}{number}", part, fold, ClinicalRecord(status, Centre.OTHER), malignant
    )


def test_facts_alone_are_fitted_on_the_training_part_and_tested_on_the_other() -> None:
    parts = [(part, malignant) for part in ("train", "test") for malignant in (True, False)]
    patients = tuple(told_by_menopause(*one, number) for one in parts for number in range(12))
    found = evaluate_facts_alone(Cohort(Path(), {}, patients, (), ""))
    assert (found.value, found.n) == (1.0, 24)
    one_class = tuple(p for p in patients if p.part == "test" or p.malignant)
    found = evaluate_facts_alone(Cohort(Path(), {}, one_class, (), ""))
    assert np.isnan(found.value) and "one class" in found.reason
