"""The tests keep their word: few findings where there is nothing, many where there is something."""

from functools import partial

import numpy as np
import pytest

from scanside.errors import InputError
from trainer.statistics.arm import make_figure
from trainer.statistics.independent import compare_by_delong
from trainer.statistics.power import SimulatedPair, SimulatedTrial, make_paired_test, measure_power, simulate


def delong_on_slides(pair: SimulatedPair) -> float:
    """What must not be done: slides taken as independent patients."""
    a, b = pair
    assert a.risk is not None and b.risk is not None
    return compare_by_delong(a.malignant, a.risk[0], b.risk[0], np.arange(len(a.malignant))).p


def test_the_simulation_has_the_area_it_says() -> None:
    study = SimulatedTrial(patients=3000, effect=0.05, seed_sd=0)
    areas = [make_figure(arm, "auc").by_seed.mean() for arm in simulate(study, np.random.default_rng(0))]
    assert areas == pytest.approx([0.85, 0.90], abs=0.015)


def test_nothing_is_found_where_there_is_nothing() -> None:
    found = measure_power(partial(simulate, SimulatedTrial()), make_paired_test(repeats=200), 150)
    assert found.low <= 0.05 and found.value < 0.09


def test_power_rises_with_the_effect() -> None:
    test = make_paired_test(repeats=200)
    small, large = (
        measure_power(partial(simulate, SimulatedTrial(effect=effect)), test, 60) for effect in (0.03, 0.10)
    )
    assert small.value < large.value and large.value > 0.7


def test_slides_taken_for_patients_find_what_is_not_there() -> None:
    study = SimulatedTrial(seeds=1, seed_sd=0)
    found = measure_power(partial(simulate, study), delong_on_slides, 300)
    assert found.low > 0.08


def test_an_effect_that_leaves_no_area_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        SimulatedTrial(auc=0.85, effect=0.15)


def test_a_test_without_result_is_no_finding() -> None:
    assert (
        measure_power(partial(simulate, SimulatedTrial(patients=20)), lambda _: float("nan"), 10).value == 0
    )


@pytest.mark.slow
@pytest.mark.parametrize("figure", ["auc", "sensitivity"])
@pytest.mark.parametrize("seed_sd", [0.0, 0.3])
def test_five_percent_at_length(figure: str, seed_sd: float) -> None:
    found = measure_power(
        partial(simulate, SimulatedTrial(seed_sd=seed_sd)), make_paired_test(figure), 600, seed=1
    )
    assert found.low <= 0.05 and found.value > 0.01
