"""The cohort has the thesis's shape, and label and clinical facts meet only where the recipe says."""

from dataclasses import replace
from math import erf

import numpy as np
import pytest

from scanside.errors import SettingError
from scanside.facts import Centre, MenopausalStatus
from trainer.synth.patients import HOSPITALS, SynthPatient, draw_patients
from trainer.synth.recipe import CohortRecipe

RECIPE = CohortRecipe()


def share_post(patients: tuple[SynthPatient, ...], centre: Centre, malignant: bool) -> float:
    chosen = [p for p in patients if p.centre is centre and p.malignant is malignant]
    return float(np.mean([p.menopausal_status is MenopausalStatus.POST for p in chosen]))


def test_shape_of_the_thesis() -> None:
    patients = draw_patients(RECIPE)
    slides = [patient.slides for patient in patients]
    assert len(patients) == 963
    assert min(slides) == 1 and max(slides) == 20
    assert 3500 < sum(slides) < 4300
    assert sum(patient.malignant for patient in patients) == pytest.approx(963 * 101 / 731, abs=1)
    assert {patient.hospital for patient in patients} == set(HOSPITALS)


def test_menopausal_status_by_centre_is_that_of_figure_4() -> None:
    patients = draw_patients(replace(RECIPE, patients=8000))
    other = [share_post(patients, Centre.OTHER, malignant) for malignant in (False, True)]
    oncology = [share_post(patients, Centre.ONCOLOGY, malignant) for malignant in (False, True)]
    assert other[0] < 0.5 and other[1] > 0.8
    assert abs(oncology[0] - oncology[1]) < 0.09


def test_without_an_effect_the_clinical_facts_say_nothing() -> None:
    """Not even in one patient: the facts are the same whatever the label."""
    recipe = replace(RECIPE, patients=300, clinical_effect=0.0, ca125_effect=0.0)
    benign = draw_patients(replace(recipe, malignant=0.0))
    malignant = draw_patients(replace(recipe, malignant=1.0))
    assert all(p.malignant for p in malignant) and not any(p.malignant for p in benign)
    for one, other in zip(benign, malignant, strict=True):
        assert (one.hospital, one.record) == (other.hospital, other.record)


def test_ca125_alone_gives_the_auc_that_the_recipe_states() -> None:
    patients = draw_patients(replace(RECIPE, patients=6000))
    known = [(p.malignant, p.ca125_u_ml) for p in patients if p.ca125_u_ml is not None]
    benign, malignant = (
        np.array([value for label, value in known if label is sick]) for sick in (False, True)
    )
    assert (malignant[:, None] > benign).mean() == pytest.approx(0.84, abs=0.02)
    assert len(known) == pytest.approx(0.8 * 6000, rel=0.03)
    assert np.median(benign) == pytest.approx(20, rel=0.05)


def test_suspicion_alone_gives_the_auc_that_the_recipe_states() -> None:
    patients = draw_patients(replace(RECIPE, patients=6000))
    benign = np.array([p.suspicion for p in patients if not p.malignant])
    malignant = np.array([p.suspicion for p in patients if p.malignant])
    auc = (malignant[:, None] > benign).mean()
    assert auc == pytest.approx(0.5 * (1 + erf(RECIPE.separation / 2)), abs=0.02)


def test_a_small_cohort_is_the_beginning_of_a_large_one() -> None:
    assert draw_patients(replace(RECIPE, patients=40)) == draw_patients(RECIPE)[:40]
    assert draw_patients(replace(RECIPE, patients=40)) != draw_patients(replace(RECIPE, patients=40, seed=1))


@pytest.mark.parametrize(
    "wrong",
    [{"patients": 0}, {"seed": -1}, {"separation": float("nan")}, {"annotation_effect": -1}, {"size": "big"}],
)
def test_a_wrong_recipe_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="choose"):
        CohortRecipe(**wrong)  # type: ignore[arg-type]
