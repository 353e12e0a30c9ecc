"""A study that is open while the model is updated: its own model's threshold, name and figures are shown."""

import pytest

from edge.view.agent.state import View
from edge.view.focus.focus import Focus
from edge.view.plain import plain_lines
from tests.edge.view.messages import MODEL, NOW, figures, rendered, row, snapshot, study

OWN = {"bundle_digest": "f" * 64, "model": "ovary-net 0.0.9", "threshold": 0.6}


@pytest.fixture
def shown() -> View:
    """41 % is above the present model's threshold of 38 %, and below that of the study's."""
    told = study(digest="f" * 64, risk=figures(highest=0.41, above_threshold=0, vote="below"), threshold=0.6)
    own = MODEL | {"digest": "f" * 64, "version": "0.0.9", "threshold": 0.6}
    said = snapshot(row(1, risk=0.41, above_threshold=False, **OWN), studies=[told])
    return View().heard({**said, "open_models": [own]}, NOW)


@pytest.mark.parametrize("of_study", [False, True])
def test_an_open_study_is_held_against_the_threshold_of_its_own_model(of_study: bool, shown: View) -> None:
    whole = "\n".join(rendered(shown, 180, 48, focus=Focus(of_study=of_study)))
    assert "OTHER MODEL" not in whole and "▲" not in whole
    assert "▼ below the threshold of 60 %" in whole and "highest 41 % ▼" in whole
    assert "ovary-net 0.0.9 · ffffffffffff" in whole


def test_plain_lines_too_hold_it_against_the_threshold_of_its_own_model(shown: View) -> None:
    said = "\n".join(plain_lines(iter([shown]), hidden=False))
    assert "below the threshold. risk 41 %" in said and "highest of" in said
    assert "above" not in said.lower().replace("vote above", "")


def test_a_slide_of_a_model_that_is_no_longer_in_use_has_no_figure_still(shown: View) -> None:
    closed = shown.heard(snapshot(row(1, risk=0.41, **OWN), studies=[]), NOW)
    assert "OTHER MODEL" in "\n".join(rendered(closed, 180, 48))
