"""Each slide has one number in its study, the same for everybody, whatever clocks do."""

import sqlite3
from pathlib import Path

import pytest

from edge.storage.index import NAME
from edge.storage.purge import Wanted
from edge.storage.reading import read_studies
from edge.storage.spool import Spooled
from edge.storage.store import Patient
from tests.edge.storage.folder import Folder, days_ago


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A study of three slides, the clock set back after the first; and one of another patient."""
    made = Folder(tmp_path)
    for name, days in (("a", 1), ("b", 3), ("c", 2)):
        made.add(name, "ID-1", "1.1", days_ago(days))
    made.add("other", "ID-2", "1.2", days_ago(0))
    return made


def numbers(folder: Folder) -> dict[str, int | None]:
    told = {name: row["slide"] for name, row in folder.rows().items()}
    for row in folder.store.newest(200):
        assert row.slide == told[row.sop_instance_uid.rpartition(".")[2]]
    return told


def test_slides_are_numbered_as_they_came_whatever_the_clock_said(folder: Folder) -> None:
    assert numbers(folder) == {"a": 1, "b": 2, "c": 3, "other": 1}
    study = folder.study("1.1", "ID-1")
    assert (study["slides"], study["risk"]["highest_slide"]) == (3, ["1.2.1.a", 1])
    assert study["risk"]["highest_slide_number"] == 1
    assert read_studies(folder.data)[0].where == [("1.2.1.a", 1), ("1.2.1.b", 1), ("1.2.1.c", 1)]


def test_a_slide_has_no_number_before_its_study_is_known(folder: Folder) -> None:
    added = folder.store.add(Spooled("new.dcm", "1.2.3.new", days_ago(0)))
    assert added.row is not None and added.row.slide is None
    row = folder.store.row("1.2.3.new", 1)
    assert row is not None and row.slide is None
    frames = folder.store.expand(added.receipt, "1.1", Patient("NAME", "ID-1"), [1, 5, 9])
    assert [(frame.frame, frame.slide) for frame in frames] == [(1, 4), (5, 5), (9, 6)]
    assert folder.study("1.1", "ID-1")["slides"] == 6


def test_what_comes_again_keeps_its_number_in_its_study_alone(folder: Folder) -> None:
    folder.add("a-again", "ID-1", "1.1", days_ago(0), uid="1.2.1.a")
    assert numbers(folder) == {"a": 1, "b": 2, "c": 3, "other": 1}
    folder.add("b-corrected", "ID-2", "1.2", days_ago(0), uid="1.2.1.b")
    assert numbers(folder) == {"a": 1, "b": 2, "c": 3, "other": 1}  # the second of the other study now
    assert [folder.study(*study)["slides"] for study in (("1.1", "ID-1"), ("1.2", "ID-2"))] == [2, 2]
    folder.add("d", "ID-1", "1.1", days_ago(0))
    assert numbers(folder)["d"] == 4


def test_an_instance_let_out_of_quarantine_keeps_its_number(folder: Folder) -> None:
    folder.quarantine("b.dcm")
    folder.add("d", "ID-1", "1.1", days_ago(0))
    folder.store.remove(["b.dcm"], come_again=True)  # as Custody.retry does
    again = folder.store.add(Spooled("b.dcm", "1.2.1.b", days_ago(3)))
    folder.store.expand(again.receipt, "1.1", Patient("NAME", "ID-1"), [1])
    assert numbers(folder) == {"a": 1, "b": 2, "c": 3, "d": 4, "other": 1}


def test_numbers_go_on_where_more_slides_come_than_a_view_is_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    added = folder.store.add(Spooled("cine.dcm", "1.2.1.cine", days_ago(0)))
    folder.store.expand(added.receipt, "1.1", Patient("NAME", "ID-1"), range(1, 206))
    assert [row.slide for row in folder.store.newest(200)] == list(range(6, 206))
    assert folder.study("1.1", "ID-1")["slides"] == 205


def test_what_is_purged_leaves_no_number_behind(folder: Folder) -> None:
    folder.custody.purge(Wanted(patient="ID-1", study=None), "test")
    with sqlite3.connect(folder.data / NAME) as db:
        assert db.execute("SELECT patient, slide FROM numbers").fetchall() == [("ID-2", 1)]
