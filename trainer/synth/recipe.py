"""What a synthetic cohort is drawn from: its size, and how much image, clinic and annotations tell."""

from dataclasses import dataclass
from math import isfinite

from scanside.errors import SettingError
from scanside.image import Size

SIZES = {"small": Size(240, 320), "full": Size(480, 640)}


@dataclass(frozen=True)
class CohortRecipe:
    """Everything that decides the content of a cohort; the same recipe gives the same bytes.

    Attributes:
        patients: how many; a smaller cohort is the beginning of a larger one.
        seed: of every draw.
        size: of the frame from which the sector is cut, a key of SIZES.
        separation: distance of the malignant from the benign lesions' suspicion, in standard deviations.
            Label and image meet there alone, so no reader of clean images can beat an AUC of
            Phi(separation / sqrt 2): .5 at 0, .92 at 2.
        annotation_effect: log odds ratio of calipers and text on a slide, malignant to benign; 0: none.
        clinical_effect: 0: menopausal status and centre say nothing about the label; 1: about figure 4 of
            the thesis; in between and beyond in proportion (log odds).
        ca125_effect: how much CA125 says about the label; 0: nothing; 1: an AUC of .84 by itself.
        malignant: share of malignant patients (thesis: 101 of 731 test slides).
        masked: share of slides that have a mask.
    """

    patients: int = 963
    seed: int = 0
    size: str = "full"
    separation: float = 2.0
    annotation_effect: float = 1.0
    clinical_effect: float = 1.0
    ca125_effect: float = 1.0
    malignant: float = 101 / 731
    masked: float = 0.85

    def __post_init__(self) -> None:
        _check_range("patients", self.patients, 1, 1_000_000)
        _check_range("seed", self.seed, 0, 2**32 - 1)
        _check_range("separation", self.separation, 0, 10)
        _check_range("annotation effect", self.annotation_effect, 0, 10)
        _check_range("clinical effect", self.clinical_effect, 0, 10)
        _check_range("CA125 effect", self.ca125_effect, 0, 10)
        _check_range("share of malignant patients", self.malignant, 0, 1)
        _check_range("share of slides with a mask", self.masked, 0, 1)
        if self.size not in SIZES:
            raise SettingError(f"the size '{self.size}' is unknown: choose {' or '.join(SIZES)}.")


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not (isfinite(value) and low <= value <= high):
        raise SettingError(f"the {what} is {value}: choose between {low:g} and {high:g}.")
