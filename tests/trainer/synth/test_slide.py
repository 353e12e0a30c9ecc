"""A slide shows its patient's lesion, and nothing of the label but through suspicion and annotations."""

from dataclasses import replace

import numpy as np
import pytest

from scanside.image import Frame
from scanside.phantom.lesion import draw_lesion
from scanside.scan.place.region import find_regions
from scanside.scan.prepare import cut
from trainer.annotations.thesis import draw_as_thesis
from trainer.synth.patients import draw_patients
from trainer.synth.recipe import CohortRecipe
from trainer.synth.slide import render_slide

RECIPE = CohortRecipe(patients=30, size="small")
PATIENTS = draw_patients(RECIPE)


@pytest.mark.parametrize("patient", PATIENTS[:12], ids=lambda patient: str(patient.number))
def test_lesion_lies_inside_the_sector(patient) -> None:
    slide = render_slide(RECIPE, patient, 0)
    assert slide.pixels.shape == slide.clean.shape == (240, 320, 3)
    assert slide.lesion.any() and not (slide.lesion & ~slide.sector).any()
    assert 0.01 < slide.lesion.sum() / slide.sector.sum() < 0.7
    changed = (slide.pixels != slide.clean).any(axis=2)
    assert changed.any() == slide.drawn.any() == slide.annotated
    assert not (changed & ~slide.drawn).any()


def test_the_same_draw_gives_the_same_pixels_and_another_slide_others() -> None:
    one, again, other = (render_slide(RECIPE, PATIENTS[0], number) for number in (3, 3, 4))
    assert np.array_equal(one.pixels, again.pixels) and np.array_equal(one.lesion, again.lesion)
    assert not np.array_equal(one.pixels, other.pixels)


def test_without_effects_the_label_changes_no_pixel() -> None:
    recipe = replace(RECIPE, annotation_effect=0.0)
    for patient in PATIENTS[:6]:
        benign, malignant = (
            render_slide(recipe, replace(patient, malignant=label), 0) for label in (False, True)
        )
        assert np.array_equal(benign.pixels, malignant.pixels)


def test_the_label_reaches_the_clean_image_through_suspicion_alone() -> None:
    recipe = replace(RECIPE, annotation_effect=10.0)
    pairs = [
        [render_slide(recipe, replace(p, malignant=label), 0) for label in (False, True)]
        for p in PATIENTS[:8]
    ]
    assert all(np.array_equal(benign.clean, malignant.clean) for benign, malignant in pairs)
    assert all(malignant.annotated for _, malignant in pairs)
    assert not all(benign.annotated for benign, _ in pairs)


def test_suspicious_lesions_have_more_papillae_solid_parts_and_thicker_septa() -> None:
    def mean(suspicion: float) -> tuple[float, float, float]:
        drawn = [draw_lesion(suspicion, np.random.default_rng(seed)) for seed in range(300)]
        balls = [len(lesion.balls) for lesion in drawn]
        rough = [np.abs(lesion.ripples[:, 4]).mean() for lesion in drawn]
        return float(np.mean(balls)), float(np.mean([x.septum_cm for x in drawn])), float(np.mean(rough))

    assert all(high > 1.3 * low for low, high in zip(mean(0.0), mean(2.0), strict=True))


def test_a_patients_slides_show_one_lesion_from_several_planes() -> None:
    patient = replace(PATIENTS[0], lesions=1)
    kinds = {render_slide(RECIPE, patient, number).kind for number in range(4)}
    assert len(kinds) == 1


def test_the_edge_finds_the_sector_that_was_drawn() -> None:
    for patient in PATIENTS[:12]:
        slide = render_slide(RECIPE, patient, 1)
        frame = Frame(slide.pixels)
        box = cut(frame, find_regions({}, frame.size)[0]).origin.box
        found = np.zeros(frame.size, bool)
        found[box.y0 : box.y1, box.x0 : box.x1] = True
        assert (found & slide.lesion).sum() > 0.97 * slide.lesion.sum()


def test_annotations_stand_on_the_lesion_and_leave_the_rest() -> None:
    lesion = np.zeros((336, 544), bool)
    lesion[120:220, 200:340] = True
    blank = np.full((336, 544, 3), 90, np.uint8)
    drawn = [draw_as_thesis(blank, lesion, np.random.default_rng(seed), 2, 0.7)[0] for seed in range(20)]
    changed = [(picture != blank).any(axis=2) for picture in drawn]
    assert all(0.001 < where.mean() < 0.02 for where in changed)
    assert (blank == 90).all()
    assert len({tuple(picture.max(axis=(0, 1)) > 200) for picture in drawn}) == 3  # cyan, yellow, white
