"""Who is in the cohort: centre, menopausal status, label, suspicion of the lesion, number of slides."""

from dataclasses import dataclass
from math import exp, floor, log, log2

import numpy as np

from scanside.facts import CA125_MOST, Centre, ClinicalRecord, MenopausalStatus
from trainer.prepare.dataset import make_pseudonym
from trainer.synth.recipe import CohortRecipe

HOSPITALS = ("oncology centre", "general hospital A", "general hospital B")
_KEY = b"synthetic"  # not a secret: the names stand for no person
_MAX_SLIDES = 20
_SLIDES_P = 1 / 4.055  # geometric, cut at 20: a mean of 4.04, the thesis's 3,895 slides of 963 patients
_TWO_LESIONS = 0.2
# Log odds in benign patients, and what malignancy adds at a clinical effect of 1 (thesis, figure 4).
_ONCOLOGY = (log(0.35 / 0.65), 0.9)
_POST_ONCOLOGY = (log(0.55 / 0.45), 0.0)
_POST_OTHER = (log(0.40 / 0.60), 2.3)
# log2 of U/ml in benign patients (medians of about 20 U/ml: Van Calster et al., CEBP 2011), its standard
# deviation, and what malignancy adds at a CA125 effect of 1: an AUC of .84 by itself.
_CA125 = (log2(20), 1.4, 2.0)
_CA125_KNOWN = 0.8


@dataclass(frozen=True)
class SynthPatient:
    """One patient.

    Attributes:
        number: from 0; draws of this patient begin at (seed, number).
        suspicion: how malignant the lesions look: N(0, 1) in benign, N(separation, 1) in malignant patients.
        slides: how many, 1 to 20.
        lesions: 1 or 2, of the same suspicion.
        ca125_u_ml: None is unknown, of a fifth of the patients.
    """

    number: int
    hospital: str
    menopausal_status: MenopausalStatus
    malignant: bool
    suspicion: float
    slides: int
    lesions: int
    ca125_u_ml: float | None

    @property
    def centre(self) -> Centre:
        return Centre.ONCOLOGY if self.hospital == HOSPITALS[0] else Centre.OTHER

    @property
    def record(self) -> ClinicalRecord:
        return ClinicalRecord(self.menopausal_status, self.centre, self.ca125_u_ml)


def draw_patients(recipe: CohortRecipe) -> tuple[SynthPatient, ...]:
    """Draw all patients of the cohort; each depends on (seed, number) alone."""
    start = np.random.default_rng(recipe.seed).random()
    return tuple(_draw_patient(recipe, number, start) for number in range(recipe.patients))


def name_patient(seed: int, number: int) -> str:
    """Make a pseudonym of the form that `trainer prepare` gives."""
    return make_pseudonym(_KEY, "P", str(seed), str(number), digits=10)


def name_slide(seed: int, number: int, slide: int) -> str:
    """Make a pseudonym of the form that `trainer prepare` gives."""
    return make_pseudonym(_KEY, "S", str(seed), str(number), str(slide), digits=12)


def _draw_patient(recipe: CohortRecipe, number: int, start: float) -> SynthPatient:
    rng = np.random.default_rng((recipe.seed, number))
    # Systematic sampling: the share is right in every beginning of the cohort, however short.
    share = recipe.malignant
    malignant = floor((number + 1) * share + start) > floor(number * share + start)

    def happens(base: float, effect: float) -> bool:
        return bool(rng.random() < 1 / (1 + exp(-base - recipe.clinical_effect * effect * malignant)))

    oncology = happens(*_ONCOLOGY)
    hospital = HOSPITALS[0 if oncology else 1 + rng.integers(2)]
    post = happens(*(_POST_ONCOLOGY if oncology else _POST_OTHER))
    return SynthPatient(
        number,
        hospital,
        MenopausalStatus.POST if post else MenopausalStatus.PRE,
        malignant,
        suspicion=float(rng.normal() + recipe.separation * malignant),
        slides=int(min(rng.geometric(_SLIDES_P), _MAX_SLIDES)),
        lesions=1 + int(rng.random() < _TWO_LESIONS),
        ca125_u_ml=_draw_ca125(recipe, malignant, rng),
    )


def _draw_ca125(recipe: CohortRecipe, malignant: bool, rng: np.random.Generator) -> float | None:
    base, spread, added = _CA125
    u_ml = 2 ** rng.normal(base + recipe.ca125_effect * added * malignant, spread)
    return round(min(max(u_ml, 0.1), CA125_MOST), 1) if rng.random() < _CA125_KNOWN else None
