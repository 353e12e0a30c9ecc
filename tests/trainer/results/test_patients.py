"""From slides to patients, counted by hand."""

import numpy as np

from trainer.results.patients import aggregate_patients, compute_patient_figures
from trainer.statistics.arm import ArmResult


def test_slides_vote_and_a_tie_counts_as_malignant() -> None:
    result = ArmResult(
        malignant=np.array([True, True, True, False, False, False]),
        patient=np.array(["b", "b", "b", "a", "a", "c"]),
        risk=np.array([[0.9, 0.7, 0.1, 0.6, 0.2, 0.3]]),
        threshold=np.array([0.5]),
    )
    found = aggregate_patients(result)
    assert list(found.patient) == ["a", "b", "c"] and list(found.malignant) == [False, True, False]
    np.testing.assert_allclose(found.mean_risk, [[0.4, 1.7 / 3, 0.3]])
    assert found.called.tolist() == [[True, True, False]]
    np.testing.assert_allclose(found.agreement, [[0.5, 2 / 3, 1]])
    figures = compute_patient_figures(found)
    assert figures.auc.value == 1 and np.isclose(figures.accuracy.value, 2 / 3)
    assert figures.accuracy_unanimous.value == 1 and figures.accuracy_discordant.value == 0.5
    assert np.isclose(figures.unanimous.value, 1 / 3)
