"""A study's slides together: the highest stands beside the vote, ties and disagreement are named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanside.assess.study import Side, Slide, study_figures, study_risk


def test_nothing_scored_is_no_risk() -> None:
    assert study_risk([], 0.5) is None


@pytest.mark.parametrize(
    ("risks", "vote", "agreement", "discordant"),
    [
        ([0.9], True, 1.0, False),
        ([0.1], False, 1.0, False),
        ([0.5], True, 1.0, False),  # at the threshold counts as above
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
    assert (study.above_threshold, study.slides) == (1, 4)


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0.01, 0.99))
def test_bounds(risks: list[float], threshold: float) -> None:
    study = study_risk(risks, threshold)
    assert study is not None
    assert 0.5 <= study.agreement <= 1
    assert min(risks) - 1e-9 <= study.mean <= study.highest + 1e-9
    assert study.discordant is (study.agreement < 1)
    assert (study.vote is None) is (study.agreement == 0.5)


def slide(risk: float | None, **more: Any) -> Slide:
    return Slide(risk=risk, **{"threshold": 0.5, "digest": "a", **more})


def test_what_is_left_out_or_not_scored_counts_nowhere_and_what_is_disputed_counts() -> None:
    found = study_figures(
        [
            slide(None),
            slide(0.9, left_out=True),
            slide(0.2),
            slide(0.7, disputed=True),
            slide(None, left_out=True),
        ]
    )
    assert found.whole is not None and found.digest == "a"
    assert (found.whole.slides, found.whole.highest, found.whole.highest_at) == (2, 0.7, 3)
    assert (found.whole.left_out, found.whole.disputed, found.whole.vote) == (1, 1, None)
    assert found.whole.mean == pytest.approx(0.45)
    nothing = study_figures([slide(0.9, left_out=True), slide(None)])
    assert (nothing.whole, nothing.sides, nothing.digest, nothing.several_models) == (None, {}, None, False)
    assert nothing.lesions == {}


def test_each_side_by_itself_and_only_sides_that_have_slides() -> None:
    slides = [
        slide(0.1, side=Side.LEFT),
        slide(0.8, side=Side.RIGHT),
        slide(0.6, side=Side.RIGHT),
        slide(0.3),
    ]
    found = study_figures(slides)
    assert found.whole is not None and (found.whole.discordant, found.whole.slides) == (True, 4)
    assert {side: (risk.slides, risk.highest_at) for side, risk in found.sides.items()} == {
        Side.LEFT: (1, 0),
        Side.RIGHT: (2, 1),
    }
    assert not found.sides[Side.RIGHT].discordant
    out = study_figures([slide(0.1, side=Side.LEFT, left_out=True), slide(0.8)])
    assert out.sides == {}


def test_each_lesion_by_itself_and_only_those_that_have_slides() -> None:
    slides = [
        slide(0.3, lesion=2, side=Side.LEFT),
        slide(0.1, lesion=1),
        slide(0.8, lesion=2),
        slide(0.9, lesion=2, left_out=True, side=Side.RIGHT),
        slide(None, lesion=2, side=Side.RIGHT),
        slide(0.7, lesion=4, left_out=True),
        slide(None, lesion=5),
        slide(0.6),
    ]
    found = study_figures(slides)
    assert found.whole is not None and found.whole.slides == 4
    assert list(found.lesions) == [1, 2]
    first, second = found.lesions[1], found.lesions[2]
    assert first.risk is not None and (first.sides, first.risk.highest_at) == ((), 1)
    assert second.risk is not None and second.sides == (Side.LEFT,)  # of those that count
    assert (second.risk.slides, second.risk.highest_at, second.risk.left_out) == (2, 2, 1)
    assert second.risk.mean == pytest.approx(0.55) and second.risk.vote is None


def test_a_lesion_on_both_sides_has_no_figures_until_its_slides_agree() -> None:
    both = [slide(0.1, lesion=1, side=Side.RIGHT), slide(0.9, lesion=1, side=Side.LEFT), slide(0.2, lesion=2)]
    found = study_figures(both)
    assert found.lesions[1].sides == (Side.LEFT, Side.RIGHT) and found.lesions[1].risk is None
    assert found.whole is not None and found.whole.slides == 3 and found.lesions[2].risk is not None
    assert {side: risk.slides for side, risk in found.sides.items()} == {Side.LEFT: 1, Side.RIGHT: 1}
    one = study_figures([both[0], slide(0.9, lesion=1, side=Side.LEFT, left_out=True)])
    assert one.lesions[1].risk is not None and one.lesions[1].risk.highest == 0.1


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, 1),
            st.none() | st.sampled_from(Side),
            st.none() | st.integers(1, 9),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_every_slide_that_counts_counts_for_its_lesion_once(
    drawn: list[tuple[float | None, Side | None, int | None, bool]],
) -> None:
    found = study_figures([slide(r, side=s, lesion=n, left_out=out) for r, s, n, out in drawn])
    counted = [(r, s, n) for r, s, n, out in drawn if r is not None and not out]
    assert list(found.lesions) == sorted({n for _, _, n in counted if n})
    for number, lesion in found.lesions.items():
        mine = [(r, s) for r, s, n in counted if n == number]
        assert set(lesion.sides) == {s for _, s in mine if s}
        assert (lesion.risk is None) == (len(lesion.sides) == 2)
        if lesion.risk:
            assert (lesion.risk.slides, lesion.risk.highest) == (len(mine), max(r for r, _ in mine))


@pytest.mark.parametrize("other", [{"digest": "b"}, {"threshold": 0.4}])
def test_slides_of_two_models_are_never_put_together(other: dict[str, Any]) -> None:
    found = study_figures([slide(0.1), slide(0.8, **other)])
    assert (found.whole, found.sides, found.digest, found.several_models) == (None, {}, None, True)
    assert found.lesions == {}
    left = study_figures([slide(0.1), slide(0.8, left_out=True, **other)])
    assert left.whole is not None and left.digest == "a"


def test_the_threshold_is_that_of_the_model_that_scored() -> None:
    found = study_figures([slide(0.2, threshold=0.1), slide(0.05, threshold=0.1)])
    assert found.whole is not None and found.whole.above_threshold == 1


def test_what_is_unknown_is_named() -> None:
    found = study_figures([slide(0.2, unknown=("menopausal_status",)), slide(0.3)])
    assert found.unknown == ("menopausal_status",) and found.whole and found.whole.hangs_on_unknown
