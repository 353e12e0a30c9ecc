"""Readers of a synthetic cohort that need no pixels, so that a study can be repeated hundreds of times.

One reader knows the suspicion of each lesion, all that a clean image tells of the label. The other knows
something beside it: menopausal status and centre, CA125, or whether the slide is annotated. Their
difference is what the recipe says, so it shows what a study of that size can find.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from trainer.data.slides import encode_facts
from trainer.prepare.dataset import TEST_SHARE, SplitFacts, draw_split
from trainer.statistics.arm import ArmResult
from trainer.statistics.power import SimulatedPair
from trainer.synth.patients import draw_patients, name_patient
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import begin_slide

Beside = Literal["clinical facts", "CA125", "annotations"]


def read_cohort(
    recipe: CohortRecipe, beside: Beside, rng: np.random.Generator, test_share: float = TEST_SHARE
) -> SimulatedPair:
    """Read a cohort of `recipe` under a seed from `rng`, split by patient, and two readers of its test part.

    Each reader is a logistic regression, fitted on the slides of the training part.

    Args:
        beside: what the second reader knows beside the suspicion.

    Returns:
        The reader of the suspicion alone, and the reader of both, on the test part's slides.
    """
    recipe = replace(recipe, seed=int(rng.integers(2**32)))
    patients = draw_patients(recipe)
    names = [name_patient(recipe.seed, patient.number) for patient in patients]
    facts = {name: SplitFacts(p.record, p.malignant) for name, p in zip(names, patients, strict=True)}
    part = {patient.name: patient.part for patient in draw_split(facts, recipe.seed, test_share)}
    of = np.repeat(np.arange(len(patients)), [patient.slides for patient in patients])
    suspicion = np.array([patient.suspicion for patient in patients])[of]
    if beside != "annotations":
        record = np.array([encode_facts(patient.record) for patient in patients], np.float64)[of]
        known = record[:, :2] if beside == "clinical facts" else record[:, 2:]
    else:
        slides = [(patient, number) for patient in patients for number in range(patient.slides)]
        known = np.array([[begin_slide(recipe, *slide)[2]] for slide in slides], np.float64)
    malignant = np.array([patient.malignant for patient in patients])[of]
    train = np.array([part[name] == "train" for name in names])[of]

    def arm(seen: NDArray[np.float64]) -> ArmResult:
        reader = LogisticRegression().fit(seen[train], malignant[train])
        risk = reader.predict_proba(seen[~train])[:, 1]
        return ArmResult(malignant[~train], of[~train], risk[None])

    return arm(suspicion[:, None]), arm(np.column_stack([suspicion, known]))
