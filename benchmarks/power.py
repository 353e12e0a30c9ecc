"""What can a study on the synthetic cohort find? The effects swept from zero up, many cohorts for each.

    python -m benchmarks.power --repeats 200

Each repeat draws a cohort of the default size with a seed of its own and splits it by patient. Two readers
without pixels (trainer/synth/readers.py) are compared on its test part: by slide, with the test that draws
patients, and by patient, with DeLong's test on the mean risk of a patient's slides. At effect zero a test
should find something in at most 5 % of repeats.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from trainer.prepare.dataset import TEST_SHARE
from trainer.statistics.arm import make_figure, require
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.independent import compare_by_delong
from trainer.statistics.power import SimulatedPair, make_paired_test
from trainer.synth.readers import Beside, read_cohort
from trainer.synth.recipe import CohortRecipe

_EFFECT: dict[Beside, str] = {
    "clinical facts": "clinical_effect",
    "CA125": "ca125_effect",
    "annotations": "annotation_effect",
}
EFFECTS = (0.0, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Row:
    """An effect, and what the studies made of it.

    Attributes:
        auc: mean areas, of the suspicion alone and of both.
        found: share of repeats in which the test by slide finds a difference at 5 %.
        gain: share in which it finds that the second reader is better.
        by_patient: share in which DeLong's test by patient finds a difference.
    """

    beside: Beside
    effect: float
    auc: tuple[float, float]
    found: Estimate
    gain: Estimate
    by_patient: Estimate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200, help="cohorts per row (200)")
    parser.add_argument("--patients", type=int, default=CohortRecipe.patients, help="of each cohort (963)")
    parser.add_argument("--separation", type=float, default=1.5, help="of suspicion (1.5: an AUC of .856)")
    parser.add_argument("--test-share", type=float, default=TEST_SHARE, help="of the patients (0.15)")
    parser.add_argument("--effects", type=float, nargs="+", default=EFFECTS, help="to sweep")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    words = parser.parse_args()
    recipe = CohortRecipe(words.patients, separation=words.separation)
    table = Table(title=f"{words.repeats} cohorts a row: {recipe}")
    for column in (
        "beside the suspicion",
        "effect",
        "AUC",
        "AUC with it",
        "found",
        "found better",
        "found by patient",
    ):
        table.add_column(column)
    jobs: list[tuple[Beside, float]] = [(b, e) for b in _EFFECT for e in words.effects]
    with ProcessPoolExecutor(words.jobs) as pool:
        rows = pool.map(partial(_row, recipe, words.repeats, words.test_share), jobs)
        for row in track(rows, "drawing cohorts", total=len(jobs), transient=True):
            table.add_row(
                row.beside,
                f"{row.effect:g}",
                *(f"{auc:.3f}" for auc in row.auc),
                *map(_cell, (row.found, row.gain, row.by_patient)),
            )
    Console(width=160).print(table)


def _row(recipe: CohortRecipe, repeats: int, test_share: float, what: tuple[Beside, float]) -> Row:
    beside, effect = what
    recipe = replace(recipe, **{_EFFECT[beside]: effect})
    test, areas, p, by_patient = make_paired_test(), [], [], 0
    for child in np.random.SeedSequence(1).spawn(repeats):
        pair = read_cohort(recipe, beside, np.random.default_rng(child), test_share)
        areas.append([make_figure(arm, "auc").by_seed[0] for arm in pair])
        p.append(test(pair))
        by_patient += _by_patient(pair) < 0.05
    apart = np.diff(areas)[:, 0]
    found = np.array(p) < 0.05
    return Row(
        beside,
        effect,
        tuple(np.mean(areas, axis=0)),
        estimate_proportion(int(found.sum()), repeats),
        estimate_proportion(int((found & (apart > 0)).sum()), repeats),
        estimate_proportion(by_patient, repeats),
    )


def _by_patient(pair: SimulatedPair) -> float:
    patient, first, of = np.unique(pair[0].patient, return_index=True, return_inverse=True)
    means = [np.bincount(of, require(arm.risk, "risk")[0]) / np.bincount(of) for arm in pair]
    return compare_by_delong(pair[0].malignant[first], *means, patient).p


def _cell(share: Estimate) -> str:
    return f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})"


if __name__ == "__main__":
    main()
