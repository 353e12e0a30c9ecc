"""Shares with Wilson's interval against published values."""

import numpy as np

from trainer.statistics.estimate import Estimate, estimate_proportion


def test_wilson_interval_is_newcombes() -> None:
    # Newcombe, Stat Med 1998, table I, method 3: 81/263 and 15/148.
    a, b = estimate_proportion(81, 263), estimate_proportion(15, 148)
    assert (round(a.low, 4), round(a.high, 4)) == (0.2553, 0.3662)
    assert (round(b.low, 4), round(b.high, 4)) == (0.0624, 0.1605)


def test_a_share_of_nothing_is_no_number() -> None:
    assert np.isnan(estimate_proportion(0, 0).value) and estimate_proportion(0, 0).reason


def test_an_estimate_says_why_it_has_no_interval() -> None:
    assert str(Estimate(0.5, 0.4, 0.6, 20)) == "0.500 [0.400, 0.600], n=20"
    assert str(Estimate(0.5, np.nan, np.nan, 20, "one seed")) == "0.500 (no interval: one seed), n=20"
