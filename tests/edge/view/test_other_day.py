"""An exam of another day: it never stands first, and its risk is shown once a person asks for it."""

from typing import Any

from edge.view.focus.focus import Focus, press
from edge.view.plain import plain_lines
from tests.edge.view.messages import NOW, Message, rendered, row, study, view

OLD = {"study_date": "2025-11-30", "study_time": "10:15:30", "acquired_at": None}


def _old(number: int, **changes: Any) -> Message:
    return row(number, study_instance_uid="9", patient_id="7", patient_name="ROE^ANN", **OLD, **changes)


def test_its_risk_is_not_shown_until_a_person_opens_it() -> None:
    shown = view(_old(1), studies=[study(study_instance_uid="9", patient_id="7")])
    lines = "\n".join(rendered(shown, 120, 40))
    assert "EXAM OF 30 Nov 2025" in lines and "exam 30 Nov 2025 10:15:30" in lines
    assert "threshold" not in lines and "highest" not in lines
    opened = press(Focus(), "enter", shown, NOW).focus
    lines = "\n".join(rendered(shown, 120, 40, focus=opened))
    assert "threshold" in lines and "highest" in lines and "EXAM OF" not in lines


def test_it_does_not_take_the_screen_from_the_patient_who_is_here() -> None:
    shown = view(row(1), _old(2))
    assert [owner for owner, _ in shown.owners] == ["1.2", "9"]
    lines = "\n".join(rendered(shown, 120, 40))
    assert "DOE JANE" in lines and "exam of 30 Nov 2025" in lines


def test_an_exam_that_lasts_past_midnight_is_of_today() -> None:
    local = NOW.astimezone()
    shown = view(row(1, study_date=f"{local:%Y-%m-%d}", study_time=None, acquired_at=None))
    assert "EXAM OF" not in "\n".join(rendered(shown))
    assert not shown.rows[0].of_another_day


def test_plain_lines_give_its_date_in_place_of_the_risk() -> None:
    lines = list(plain_lines([view(_old(1), studies=[study(study_instance_uid="9", patient_id="7")])], False))
    assert any("exam of 30 Nov 2025" in line for line in lines) and not any("%" in line for line in lines)


def test_without_a_date_the_screen_says_so() -> None:
    shown = view(row(1, study_date=None, study_time=None, acquired_at=None))
    assert "exam time unknown" in "\n".join(rendered(shown, 120))
