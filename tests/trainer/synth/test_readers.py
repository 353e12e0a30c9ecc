"""Studies on synthetic cohorts: few findings where the recipe has no effect, many where it has one."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from trainer.statistics.arm import make_figure
from trainer.statistics.power import make_paired_test, measure_power
from trainer.synth.patients import draw_patients
from trainer.synth.readers import Beside, read_cohort
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import begin_slide, render_slide

RECIPE = CohortRecipe(
    patients=300,
    size="small",
    separation=1.5,
    malignant=0.3,
    annotation_effect=0,
    clinical_effect=0,
    ca125_effect=0,
)
SWEEPS: list[tuple[Beside, str, float]] = [
    ("clinical facts", "clinical_effect", 5.0),
    ("CA125", "ca125_effect", 1.5),
    ("annotations", "annotation_effect", 3.0),
]


@pytest.mark.parametrize(("beside", "effect", "large"), SWEEPS)
def test_what_is_found_is_what_the_recipe_holds(beside: Beside, effect: str, large: float) -> None:
    def found(size: float, repeats: int) -> float:
        draw = partial(read_cohort, replace(RECIPE, **{effect: size}), beside, test_share=0.5)
        return measure_power(draw, make_paired_test(repeats=200), repeats).value

    # A test at 5 % finds more than 5 of 40 with a chance of .014.
    assert found(0.0, 40) <= 5 / 40
    assert found(large, 20) > 0.7


def test_the_reader_of_suspicion_knows_no_more_than_a_clean_image() -> None:
    """Phi(1.5 / sqrt 2) = .856, whatever the facts and the annotations say."""
    recipe = replace(RECIPE, patients=3000, annotation_effect=3, clinical_effect=3, ca125_effect=3)
    for beside, _, _ in SWEEPS:
        alone, both = (
            make_figure(a, "auc").by_seed[0] for a in read_cohort(recipe, beside, np.random.default_rng(0))
        )
        assert alone == pytest.approx(0.856, abs=0.03) and both > alone + 0.03


def test_readers_see_the_annotations_that_the_slides_show() -> None:
    recipe = replace(RECIPE, annotation_effect=1)
    shown = [(patient, number) for patient in draw_patients(recipe)[:4] for number in range(2)]
    assert [begin_slide(recipe, *slide)[2] for slide in shown] == [
        render_slide(recipe, *slide).annotated for slide in shown
    ]
    assert len({begin_slide(recipe, *slide)[2] for slide in shown}) == 2
