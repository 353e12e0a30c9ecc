"""Slides that people assign to lesions, and why they leave one out: in rows, figures and lists."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.commands.results import show, show_studies
from edge.protocol.json import from_builtins
from edge.protocol.row import Row
from edge.protocol.study import StudyState
from tests.edge.entries.test_desk import POST, slide
from tests.edge.storage.folder import Folder, days_ago


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """A study of two slides after the menopause."""
    made = Folder(tmp_path)
    made.add("a", "ID-1", "1.1", days_ago(3))
    made.add("b", "ID-1", "1.1", days_ago(2))
    made.enter("1.1", "ID-1", **POST)
    yield made
    made.store.close()


def test_slides_are_assigned_to_lesions(folder: Folder) -> None:
    assert folder.study("1.1", "ID-1")["lesions"] == {} and folder.rows()["a"]["lesion"] is None
    folder.enter("1.1", "ID-1", **slide("a", lesion=1))
    entered = folder.enter("1.1", "ID-1", **slide("b", lesion=2))
    assert [(row.lesion, row.superseded) for row in entered.rows] == [(2, True)]  # by the fact alone
    assert folder.enter("1.1", "ID-1", **slide("b", lesion=2)).rows == []
    study = folder.study("1.1", "ID-1")
    assert {number: lesion["sides"] for number, lesion in study["lesions"].items()} == {"1": [], "2": []}
    assert study["lesions"]["2"]["risk"]["highest_slide"] == ["1.2.1.b", 1]
    assert study["risk"]["slides"] == 2 and study["state"] == "final"
    folder.enter("1.1", "ID-1", **slide("b", lesion=1))
    assert folder.study("1.1", "ID-1")["lesions"]["1"]["risk"] == study["risk"]
    folder.enter("1.1", "ID-1", **slide("a", lesion=None))
    folder.enter("1.1", "ID-1", **slide("b", left_out=True, reason="the bladder"))
    rows, study = folder.rows(), folder.study("1.1", "ID-1")
    assert study["lesions"] == {}
    assert [(rows[name]["lesion"], rows[name]["left_out_reason"]) for name in "ab"] == [
        (None, None),
        (1, "the bladder"),
    ]
    folder.enter("1.1", "ID-1", **slide("b", left_out=False))
    assert folder.rows()["b"]["left_out_reason"] is None


def test_a_lesion_whose_slides_lie_on_both_sides_is_said_and_not_put_together(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, side in (("a", "left"), ("b", "right")):
        folder.enter("1.1", "ID-1", **slide(name, side=side))
        folder.enter("1.1", "ID-1", **slide(name, lesion=3))
    study = folder.study("1.1", "ID-1")
    assert study["lesions"] == {"3": {"sides": ["left", "right"], "risk": None}}
    assert (study["state"], study["why"]) == ("provisional", "lesion 3 has slides on both sides")
    assert study["risk"]["slides"] == 2 and set(study["sides"]) == {"left", "right"}
    show_studies([from_builtins(study, StudyState)], as_json=False)
    assert "  lesion 3  slides on both sides: not put together\n" in capsys.readouterr().out
    folder.enter("1.1", "ID-1", **slide("b", side="left"))
    study = folder.study("1.1", "ID-1")
    assert study["state"] == "final" and study["lesions"]["3"]["sides"] == ["left"]
    assert study["lesions"]["3"]["risk"] == study["sides"]["left"] == study["risk"]
    show_studies([from_builtins(study, StudyState)], as_json=False)
    assert (
        "  lesion 3  left, highest 60 % on slide 1, mean 60 %, vote above the threshold"
        in capsys.readouterr().out
    )


def test_a_study_without_a_patient_id_is_told_as_such(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    study = folder.study("1.1", "ID-1")
    for number, told in (("ID-1", "1.1, patient ID-1: final\n"), ("", "1.1, no patient ID: final\n")):
        show_studies([from_builtins({**study, "patient_id": number}, StudyState)], as_json=False)
        assert told in capsys.readouterr().out


def test_a_slide_is_listed_with_what_was_entered(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.enter("1.1", "ID-1", **slide("a", lesion=3))
    folder.enter("1.1", "ID-1", **slide("a", left_out=True, reason="bladder"))
    show([from_builtins(folder.rows()["a"], Row)], as_json=False)
    told = capsys.readouterr().out
    assert "lesion 3" in told and "bladder" in told
