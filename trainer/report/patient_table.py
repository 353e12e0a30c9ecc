"""Patients instead of slides: figures of mean risk and vote, and the tests that are valid on them."""

from scanside.errors import InputError
from trainer.report.table import TextTable, interval, number, probability
from trainer.results.evaluation import Evaluation
from trainer.results.patients import by_patient, has_patients, patient_figures
from trainer.statistics.estimate import Estimate
from trainer.statistics.independent import delong, mcnemar


def patients_table(evaluation: Evaluation) -> TextTable | None:
    """Every arm that classifies a hospital's slides; None where there is none."""
    rows = []
    for row in filter(has_patients, evaluation.rows):
        f = patient_figures(by_patient(row.result))
        cells = (f.auc, f.accuracy, f.unanimous, f.accuracy_unanimous, f.accuracy_discordant)
        rows.append((evaluation.experiment.label(row.arm), *map(_cell, cells)))
    columns = (
        *("arm", "AUC of the mean risk", "accuracy of the vote", "slides agree"),
        *("accuracy where they agree", "where they do not"),
    )
    notes = ("The threshold is the one chosen on validation slides. A tie counts as malignant.",)
    return TextTable("By patient: mean risk and majority vote", columns, tuple(rows), notes) if rows else None


def patient_tests_table(evaluation: Evaluation) -> TextTable | None:
    """DeLong's and McNemar's tests of the contrasts in AUC; None where there are none."""
    rows = {row.arm.slug: row for row in filter(has_patients, evaluation.rows)}
    cells = []
    for comparison in evaluation.comparisons:
        contrast = comparison.contrast
        if contrast.figure != "auc" or not {contrast.arm_a, contrast.arm_b} <= set(rows):
            continue
        a, b = (by_patient(rows[slug].result) for slug in (contrast.arm_a, contrast.arm_b))
        vote = probability(mcnemar(a.right[0], b.right[0], a.patient))
        try:
            found = delong(a.malignant, a.mean_risk[0], b.mean_risk[0], a.patient)
        except InputError as error:
            cells.append((contrast.name, "-", str(error), "-", vote))
        else:
            difference = number(found.difference.value, sign=True), interval(found.difference)
            cells.append((contrast.name, *difference, probability(found.p), vote))
    columns = ("difference", "AUC of the mean risk", "95 % interval", "p (DeLong)", "p (McNemar, vote)")
    notes = (
        "Two trained networks, the first seed of each arm, one result per patient; p not corrected. "
        "They are no tests of two ways of training: those stand above.",
    )
    return TextTable("By patient: two networks compared", columns, tuple(cells), notes) if cells else None


def _cell(estimate: Estimate) -> str:
    return f"{number(estimate.value)}\n{interval(estimate)}"
