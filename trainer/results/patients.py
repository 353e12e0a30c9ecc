"""Risks of a patient's slides -> one risk and one vote for each patient (thesis, section 8)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanside.assess.study import StudyRisk, study_risk
from trainer.results.evaluation import CHOSEN, ArmRow
from trainer.statistics.arm import ArmResult
from trainer.statistics.bootstrap import estimate
from trainer.statistics.estimate import Estimate
from trainer.statistics.figures import make_auc_figure, make_mean_figure, make_ratio_figure


@dataclass(frozen=True)
class PatientResult:
    """One row per seed, one column per patient.

    Attributes:
        patient: (patients,) names.
        malignant: (patients,) bool.
        mean_risk: (seeds, patients) mean over the slides.
        called: (seeds, patients) bool, the majority of the slides; a tie counts as malignant.
        agreement: (seeds, patients) share of the slides on the majority's side, from one half to 1.
    """

    patient: NDArray[np.generic]
    malignant: NDArray[np.bool_]
    mean_risk: NDArray[np.float64]
    called: NDArray[np.bool_]
    agreement: NDArray[np.float64]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(seeds, patients): whether the vote is right."""
        return np.asarray(self.called == self.malignant, bool)


@dataclass(frozen=True)
class PatientFigures:
    """By patients, means over seeds.

    Attributes:
        auc: of the mean risk.
        accuracy: of the vote.
        unanimous: share of patients whose slides all lie on one side of the threshold.
        accuracy_unanimous, accuracy_discordant: of the vote, among those and among the others.
    """

    auc: Estimate
    accuracy: Estimate
    unanimous: Estimate
    accuracy_unanimous: Estimate
    accuracy_discordant: Estimate


def aggregate_patients(result: ArmResult) -> PatientResult:
    """Aggregate the slides of each patient, as the edge does with a study.

    Args:
        result: with risks and thresholds.
    """
    assert result.risk is not None and result.threshold is not None
    patients, first = np.unique(result.patient, return_index=True)
    rows = [np.flatnonzero(result.patient == name) for name in patients]
    studies = [
        [_aggregate_slides(risk[slides], float(threshold)) for slides in rows]
        for risk, threshold in zip(result.risk, result.threshold, strict=True)
    ]
    return PatientResult(
        patient=patients,
        malignant=result.malignant[first],
        mean_risk=np.array([[study.mean for study in seed] for seed in studies]),
        called=np.array([[study.vote is not False for study in seed] for seed in studies]),
        agreement=np.array([[study.agreement for study in seed] for seed in studies]),
    )


def _aggregate_slides(risks: NDArray[np.float64], threshold: float) -> StudyRisk:
    """Aggregate the slides of one patient, whose risks are `risks`, (slides,); at least one."""
    study = study_risk(risks.tolist(), threshold)
    assert study is not None
    return study


def has_patients(row: ArmRow) -> bool:
    """Return whether there is something to aggregate: a decision, and patients with several slides."""
    return CHOSEN in row.decisions and row.arm.dataset == "hospital"


def compute_patient_figures(patients: PatientResult) -> PatientFigures:
    """Compute figures by patients; each has one result, so they are independent."""
    whole = patients.agreement == 1
    return PatientFigures(
        auc=estimate(make_auc_figure(patients.malignant, patients.mean_risk)),
        accuracy=estimate(make_mean_figure(patients.right)),
        unanimous=estimate(make_mean_figure(whole)),
        accuracy_unanimous=estimate(make_ratio_figure(patients.right & whole, whole)),
        accuracy_discordant=estimate(make_ratio_figure(patients.right & ~whole, ~whole)),
    )
