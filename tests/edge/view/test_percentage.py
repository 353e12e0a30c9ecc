"""The digits of a risk never contradict its side of the threshold, nor that it is above 0 or below 1."""

import math
import random

import pytest

from edge.view.percentage import digits, percent, percent_beside, percent_range


def number(shown: str) -> float:
    return float(shown.strip("<> %"))


@pytest.mark.parametrize("threshold", [0.38, 0.29, 0.0484, 0.5, 1e-5, 0.999999])
def test_what_is_just_below_a_threshold_never_prints_its_number(threshold: float) -> None:
    for risk in (threshold - 1e-5, threshold - 1e-7, math.nextafter(threshold, 0)):
        if risk <= 0:
            continue
        decimals = digits(risk, threshold)
        assert percent(risk, decimals) != percent(threshold, decimals)
        assert number(percent(risk, decimals)) <= number(percent(threshold, decimals))


def test_digits_read_on_the_side_on_which_the_risk_lies() -> None:
    drawn = random.Random(4)
    for _ in range(3000):
        threshold = round(drawn.random(), drawn.choice((2, 3, 6)))
        risk = min(1.0, max(0.0, threshold + drawn.choice((-1, 1)) * 10 ** drawn.uniform(-12, 0)))
        decimals = digits(risk, threshold)
        shown, limit = percent(risk, decimals), percent(threshold, decimals)
        if shown[0] not in "<>" and limit[0] not in "<>":
            assert (number(shown) >= number(limit)) == (risk >= threshold)


def test_a_threshold_needs_no_more_digits_than_tell_both_apart() -> None:
    assert (digits(0.81, 0.38), digits(0.379, 0.38), digits(0.38, 0.38)) == (0, 1, 0)
    assert percent_beside(0.37999999, 0.38) == "37.999999 %"
    assert percent_beside(0.38, 0.38) == "38 %"


@pytest.mark.parametrize("decimals", [0, 1, 2, 5])
def test_only_nothing_is_zero_and_only_certainty_is_a_hundred(decimals: int) -> None:
    for risk in (5e-324, 1e-9, 10.0 ** -(decimals + 3), 1 - 1e-9):
        shown = percent(risk, decimals)
        assert shown.startswith("<" if risk < 0.5 else ">")
        assert number(shown) in (10.0**-decimals, pytest.approx(100 - 10.0**-decimals))
    assert number(percent(0.0, decimals)) == 0 and number(percent(1.0, decimals)) == 100
    assert (percent(0.005), percent(0.0004, 1), percent(0.9999, 1)) == ("<1 %", "<0.1 %", ">99.9 %")


def test_a_risk_without_a_threshold_has_one_decimal() -> None:
    assert (percent_beside(0.4321, None), percent_beside(0.0001, None)) == ("43.2 %", "<0.1 %")


def test_of_several_risks_both_ends_are_told() -> None:
    assert percent_range((0.2, 0.41), 0.38) == "20-41 %"
    assert percent_range((0.2, 0.37999), 0.38) == "20.000-37.999 %"
