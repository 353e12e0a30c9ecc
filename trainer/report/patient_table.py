"""Patients instead of slides: figures of mean risk and vote, and the tests that are valid on them."""

from scanside.errors import InputError
from trainer.report.table import TextTable, format_interval, format_number, format_probability
from trainer.results.evaluation import Evaluation
from trainer.results.patients import aggregate_patients, compute_patient_figures, has_patients
from trainer.statistics.estimate import Estimate
from trainer.statistics.independent import compare_by_delong, compare_by_mcnemar


def make_patients_table(evaluation: Evaluation) -> TextTable | None:
    """Make the table of all arms that classify a hospital's slides; None where there is none."""
    rows = []
    for row in filter(has_patients, evaluation.rows):
        f = compute_patient_figures(aggregate_patients(row.result))
        cells = (f.auc, f.accuracy, f.unanimous, f.accuracy_unanimous, f.accuracy_discordant)
        rows.append((evaluation.experiment.label(row.arm), *map(_format_cell, cells)))
    columns = (
        *("arm", "AUC of the mean risk", "accuracy of the vote", "slides agree"),
        *("accuracy where they agree", "where they do not"),
    )
    notes = ("The threshold is the one chosen on validation slides. A tie counts as malignant.",)
    return TextTable("By patient: mean risk and majority vote", columns, tuple(rows), notes) if rows else None


def make_patient_tests_table(evaluation: Evaluation) -> TextTable | None:
    """Make the table of DeLong's and McNemar's tests of the contrasts in AUC; None where there are none."""
    rows = {row.arm.slug: row for row in filter(has_patients, evaluation.rows)}
    cells = []
    for comparison in evaluation.comparisons:
        contrast = comparison.contrast
        if contrast.figure != "auc" or not {contrast.arm_a, contrast.arm_b} <= set(rows):
            continue
        a, b = (aggregate_patients(rows[slug].result) for slug in (contrast.arm_a, contrast.arm_b))
        vote = format_probability(compare_by_mcnemar(a.right[0], b.right[0], a.patient))
        try:
            test = compare_by_delong(a.malignant, a.mean_risk[0], b.mean_risk[0], a.patient)
        except InputError as error:
            cells.append((contrast.name, "-", str(error), "-", vote))
        else:
            difference = format_number(test.difference.value, sign=True), format_interval(test.difference)
            cells.append((contrast.name, *difference, format_probability(test.p), vote))
    columns = ("difference", "AUC of the mean risk", "95 % interval", "p (DeLong)", "p (McNemar, vote)")
    notes = (
        "Two trained networks, the first seed of each arm, one result per patient; p not corrected. "
        "They are no tests of two ways of training: those stand above.",
    )
    return TextTable("By patient: two networks compared", columns, tuple(cells), notes) if cells else None


def _format_cell(estimate: Estimate) -> str:
    return f"{format_number(estimate.value)}\n{format_interval(estimate)}"
