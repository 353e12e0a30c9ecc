"""Do the statistics keep their word, and how fast are they? Simulated arms, tested again and again.

    python -m benchmarks.paired_tests --repeats 1000

Prints how often a test at 5 % finds a difference (at effect zero it should be 5 %), how often the interval
of an area holds the true one (95 %), and the time of 2,000 draws of patients beside the plain loop: draw
patients, gather their slides, call scikit-learn's roc_auc_score.
"""

import argparse
import time
from functools import partial

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.metrics import roc_auc_score

from trainer.statistics.arm import ArmResult, make_figure
from trainer.statistics.bootstrap import draw_patients, estimate
from trainer.statistics.estimate import Estimate, estimate_proportion
from trainer.statistics.independent import compare_by_delong
from trainer.statistics.power import SimulatedPair, SimulatedTrial, make_paired_test, measure_power, simulate

DRAWS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1000, help="simulated studies per row (1000)")
    repeats = parser.parse_args().repeats
    table = Table(title=f"{repeats} simulated studies a row: {SimulatedTrial()}")
    for column in ("what", "share", "95 % interval"):
        table.add_column(column)
    one = SimulatedTrial(seeds=1, seed_sd=0.0)
    rows = [
        ("zero effect, 3 seeds, AUC", SimulatedTrial(), make_paired_test()),
        (
            "zero effect, 3 seeds that differ more (SD .3), AUC",
            SimulatedTrial(seed_sd=0.3),
            make_paired_test(),
        ),
        ("zero effect, 3 seeds that do not differ, AUC", SimulatedTrial(seed_sd=0.0), make_paired_test()),
        ("zero effect, 1 seed, AUC", one, make_paired_test()),
        ("zero effect, 3 seeds, 60 patients, AUC", SimulatedTrial(patients=60), make_paired_test()),
        ("zero effect, 3 seeds, sensitivity", SimulatedTrial(), make_paired_test("sensitivity")),
        ("zero effect, 1 seed, DeLong with slides for patients", one, _delong_on_slides),
        *(
            (f"effect {e:.2f}, 3 seeds, AUC", SimulatedTrial(effect=e), make_paired_test())
            for e in (0.02, 0.04, 0.06, 0.08, 0.1)
        ),
    ]
    for name, study, test in track(rows, "testing", transient=True):
        found = measure_power(partial(simulate, study), test, repeats, seed=1)
        table.add_row(f"found at {name}", f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}")
    for patients in (165, 60):
        held = _coverage(SimulatedTrial(patients=patients, seeds=1, seed_sd=0.0), repeats)
        name = f"interval holds the area, {patients} patients"
        table.add_row(name, f"{held.value:.3f}", f"{held.low:.3f} to {held.high:.3f}")
    console = Console()
    console.print(table)
    _speed(console)


def _delong_on_slides(pair: SimulatedPair) -> float:
    a, b = pair
    assert a.risk is not None and b.risk is not None
    return compare_by_delong(a.malignant, a.risk[0], b.risk[0], np.arange(len(a.malignant))).p


def _coverage(study: SimulatedTrial, repeats: int) -> Estimate:
    hits = 0
    for k in range(repeats):
        arm, _ = simulate(study, np.random.default_rng([2, k]))
        result = estimate(make_figure(arm, "auc"))
        hits += result.low <= study.auc <= result.high
    return estimate_proportion(hits, repeats)


def _speed(console: Console) -> None:
    arm, _ = simulate(SimulatedTrial(seeds=1), np.random.default_rng(0))
    patients = len(np.unique(arm.patient))
    start = time.perf_counter()
    ours = make_figure(arm, "auc").of(draw_patients(patients, DRAWS))[0]
    middle = time.perf_counter()
    theirs = _plain_loop(arm, patients)
    end = time.perf_counter()
    console.print(
        f"{DRAWS} draws, {len(arm.malignant)} slides of {patients} patients: {middle - start:.3f} s, "
        f"plain loop {end - middle:.2f} s, {(end - middle) / (middle - start):.0f} times; "
        f"standard errors {ours.std():.4f} and {theirs.std():.4f}"
    )


def _plain_loop(arm: ArmResult, patients: int) -> np.ndarray:
    assert arm.risk is not None
    rng = np.random.default_rng(0)
    slides = [np.flatnonzero(arm.patient == p) for p in range(patients)]
    values = []
    for _ in range(DRAWS):
        drawn = np.concatenate([slides[p] for p in rng.integers(0, patients, patients)])
        values.append(roc_auc_score(arm.malignant[drawn], arm.risk[0, drawn]))
    return np.array(values)


if __name__ == "__main__":
    main()
