"""A study's slides together: the highest stands beside the vote, ties and disagreement are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanside.study import study_risk


def test_nothing_scored_is_no_risk() -> None:
    assert study_risk([], 0.5) is None


@pytest.mark.parametrize(
    ("risks", "vote", "agreement", "discordant"),
    [
        ([0.9], True, 1.0, False),
        ([0.1], False, 1.0, False),
        ([0.5], True, 1.0, False),  # at the threshold counts as malignant
        ([0.1, 0.9], None, 0.5, True),
        ([0.1, 0.2, 0.9], False, 2 / 3, True),
        ([0.1, 0.8, 0.9], True, 2 / 3, True),
        ([0.1, 0.2, 0.8, 0.9], None, 0.5, True),
        ([0.6, 0.7, 0.8], True, 1.0, False),
    ],
)
def test_vote(risks: list[float], vote: bool | None, agreement: float, discordant: bool) -> None:
    study = study_risk(risks, 0.5)
    assert study is not None
    assert study.vote is vote
    assert study.agreement == pytest.approx(agreement)
    assert study.discordant is discordant


def test_one_high_slide_is_not_outvoted_out_of_sight() -> None:
    study = study_risk([0.05, 0.1, 0.95, 0.02], 0.5)
    assert study is not None
    assert study.vote is False
    assert study.highest == 0.95
    assert study.mean == pytest.approx(0.28)
    assert (study.malignant, study.slides) == (1, 4)


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0.01, 0.99))
def test_bounds(risks: list[float], threshold: float) -> None:
    study = study_risk(risks, threshold)
    assert study is not None
    assert 0.5 <= study.agreement <= 1
    assert min(risks) - 1e-9 <= study.mean <= study.highest + 1e-9
    assert study.discordant is (study.agreement < 1)
    assert (study.vote is None) is (study.agreement == 0.5)
