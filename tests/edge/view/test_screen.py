"""What the live view shows, rendered at fixed sizes: nothing is shown as current that is not."""

import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions

from edge.view.agent.state import View
from edge.view.focus.focus import Focus, Notice, press
from edge.view.percentage import percent_range
from edge.view.screen.screen import screen
from scanside import RESEARCH_USE
from tests.edge.view.messages import (
    NOW,
    exam,
    fact,
    figures,
    preview,
    rendered,
    row,
    snapshot,
    study,
    unscored,
    view,
)

SIZES = [(80, 24), (100, 30), (160, 48), (40, 12)]
HOSTILE = (
    "[red]EVIL[/red]\x1b[2J\x1b]0;pwned\x07\u202eesrever\n\r\tnext\x9b31m [link=http://x]y[/link] :smile:"
)


def text(shown: View, width: int = 80, height: int = 24) -> str:
    return "\n".join(rendered(shown, width, height))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_fills_the_terminal_under_the_banner(width: int, height: int) -> None:
    lines = rendered(view(row(1), row(2, preview=preview())), width, height)
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)
    assert RESEARCH_USE.upper() in lines[0]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    "shown",
    [View(), view(), view(row()).lost(), view(unscored(1, "pending")), view(unscored(1, "failed", "why"))],
    ids=["nothing heard", "no scan", "lost", "pending", "failed"],
)
def test_the_banner_never_goes(shown: View, width: int, height: int) -> None:
    lines = rendered(shown, width, height)
    assert RESEARCH_USE.upper() in lines[0]
    assert len(lines) == height


def test_the_side_of_the_threshold_is_said_and_no_verdict() -> None:
    assert "▲ above the threshold of 38 %" in text(view(row(risk=0.38)))
    assert "▼ below the threshold of 38.0 %" in text(view(row(risk=0.379)))


def test_a_risk_just_below_the_threshold_does_not_read_as_at_it() -> None:
    shown = text(view(row(risk=0.3799)))
    assert "37.99 %" in shown
    assert "below the threshold of 38.00 %" in shown


def test_an_80_by_24_terminal_has_all_that_matters() -> None:
    note = "provisional"
    shown = text(view(row(1, risk=0.1), row(2, flags=["colour"]), model={"threshold_note": note}))
    for part in (RESEARCH_USE.upper(), "DOE JANE", "81 %", "above the threshold", note, "! colour",
                 "DISCORDANT", "highest 81 %", "vote tied, 1 of 2", "mean 46 %", "agreement 50 %",
                 "carcinoma", "Agent ready", "0 waiting", "143 ms, p95 201", "disk 41 GB", "ovary-net 0.1.0",
                 "a1b2c3d4e5f6", "1000 training images"):  # fmt: skip
        assert part in shown, part


def test_not_scored_gives_the_reason_and_no_number() -> None:
    shown = text(view(unscored(1, "not_scored", "unlike the training data")))
    risk_column = "\n".join(line[38:] for line in shown.splitlines()[2:16])
    assert "NOT SCORED" in risk_column
    assert "unlike the training data" in risk_column
    assert not re.search(r"[%█▀▄]", risk_column)


def test_failed_gives_the_reason() -> None:
    assert "the worker crashed" in text(view(unscored(1, "failed", "the worker crashed")))


def test_without_contact_no_risk_stands_where_the_current_one_would() -> None:
    whole = "\n".join(rendered(view(row(risk=0.81, preview=preview())).lost()))
    assert "No contact with the agent since" in whole
    assert f"{NOW.astimezone():%H:%M:%S}" in whole
    assert not re.search(r"81|%|DOE|█|▲", whole)


def test_an_agent_that_does_not_score_shows_why_instead_of_a_risk() -> None:
    why = "not scoring: the golden case differs"
    top = "\n".join(rendered(view(row(), agent={"state": why}))[:12])
    assert "NOT SCORING" in top
    assert "golden case" in top


def test_an_agent_that_does_not_receive_says_so_instead_of_a_risk() -> None:
    why = "not receiving: the disk is nearly full: 12 MB free"
    top = "\n".join(rendered(view(row(risk=0.81), agent={"state": why}))[:12])
    assert "NOT RECEIVING" in top and "nearly full" in top
    assert "81" not in top


def test_a_study_of_two_patients_is_shown_as_two() -> None:
    mine = row(sop_instance_uid="1.1", patient_id="A", received_at="2026-01-01T10:00:00+00:00")
    other = row(sop_instance_uid="1.2", patient_id="B", received_at="2026-01-01T10:00:01+00:00")
    assert [shown.patient_id for shown in Focus().look(view(mine, other)).rows] == ["B"]


def test_a_new_patient_takes_the_old_risk_away() -> None:
    lines = rendered(view(row(1), unscored(2, "pending", study_instance_uid="9", patient_name="ROE^ANN")))
    assert "ROE ANN" in lines[1]
    assert "BEING ASSESSED" in "\n".join(lines[:8])
    assert "81 %" not in "\n".join(lines[:16])


def test_a_newer_scan_of_the_study_that_waits_is_named() -> None:
    assert "EARLIER SCAN, 1 newer waiting" in rendered(view(row(1), unscored(2, "pending")))[1]
    unknown = unscored(2, "pending", study_instance_uid=None)
    assert "EARLIER SCAN, 1 newer waiting" in rendered(view(row(1), unknown))[1]


def test_the_newest_scan_is_current_even_when_an_older_cine_ends_later() -> None:
    late = (NOW + timedelta(minutes=1)).isoformat()
    assert "▼ below the threshold" in text(view(row(1, assessed_at=late), row(2, risk=0.05)))
    current = Focus().look(view(row(1, assessed_at=late), row(2, risk=0.05))).row
    assert current is not None and current.risk == 0.05


def test_unknown_facts_show_the_risk_under_each_value() -> None:
    risk_if = {"premenopausal": 0.12, "postmenopausal": 0.55}
    shown = text(view(row(risk=None, above_threshold=None, risk_if=risk_if)))
    assert "12 % ▼ premenopausal" in shown
    assert "55 % ▲ postmenopausal" in shown
    assert "◆ ≤55 %" in shown
    assert "depends: both sides of threshold 38 %" in shown
    assert "each slide counts" in shown


def test_the_study_counts_only_its_own_slides() -> None:
    shown = text(view(row(1, study_instance_uid="other", risk=0.02), row(2), row(3)))
    assert "Study so far: 2 slides" in shown
    assert "DISCORDANT" not in shown
    assert "vote above, 2 of 2" in shown


def test_an_old_scan_says_its_age() -> None:
    console = Console(width=100, height=30, _environ={})
    later = NOW + timedelta(minutes=37, seconds=5)
    with console.capture() as capture:
        console.print(screen(view(row(1)), later, ConsoleDimensions(100, 30)), height=30)
    assert "37 min ago" in capture.get()


def test_a_test_model_is_called_one() -> None:
    assert "TEST MODEL: its risks mean nothing" in rendered(view(row(), model={"test_only": True}))[0]


@pytest.mark.parametrize("key", ["patient_name", "patient_id", "reason", "sop_instance_uid", "flags"])
@pytest.mark.parametrize("state", ["scored", "not_scored"])
def test_hostile_text_is_shown_not_obeyed(key: str, state: str) -> None:
    hostile = {key: [HOSTILE] if key == "flags" else HOSTILE}
    said = row(1, **hostile) if state == "scored" else unscored(1, state, **({"reason": "why"} | hostile))
    for color in (None, "truecolor"):
        lines = rendered(view(said), 160, 40, color)
        whole = "\n".join(lines)
        assert len(lines) == 40
        assert not re.search("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\r\t]", whole)
        assert not re.search(r"\x1b(?!\[[\d;]*m)", whole)  # styles only: no title, no clearing, no link
        drawn = key != "sop_instance_uid" and (key, state) != ("reason", "scored")
        assert ("[red]EVIL[/red]" in whole) == drawn


def test_hostile_marks_and_width_keep_the_lines() -> None:
    for name in ("é" + "\u0301" * 200, "日本" * 100, "x" * 5000, "\U0001f468\u200d\U0001f469" * 50):
        lines = rendered(view(row(1, patient_name=name)))
        assert len(lines) == 24
        assert all(cell_len(line) <= 80 for line in lines)


def test_picture_outlines_the_lesion_without_colour() -> None:
    lines = rendered(view(row(1, preview=preview())), 100, 30)
    picture = [line[:54] for line in lines[2:20]]
    drawn = [line for line in picture if "o" in line]
    assert "ooooooooo" in drawn[0] and "ooooooooo" in drawn[-1]
    assert drawn[1].count("o") == 2
    assert any("@" in line for line in picture)


def test_picture_outlines_the_lesion_in_colour() -> None:
    lines = rendered(view(row(1, preview=preview())), 100, 30, "truecolor")
    assert sum("38;2;255;215;0" in line or "48;2;255;215;0" in line for line in lines[2:20]) >= 4


def test_removed_annotations_are_dotted_and_told_from_the_lesion_without_colour() -> None:
    line = [[20, 40], [300, 40], [300, 44], [20, 44]]
    removed = row(
        1,
        preview=preview() | {"annotations": [line]},
        flags=["annotations removed"],
        annotations={"share": 0.0123, "boxes": [[20, 40, 301, 45]]},
    )
    assert "! annotations removed: 1.2 %, dotted" in text(view(removed), 160, 40)
    plain = rendered(view(removed), 100, 30)
    signs = next(shown for shown in (line[:54] for line in plain[2:20]) if shown.count("x") > 8)
    assert "o" not in signs
    colour = "165;140;215"
    assert any(colour in shown for shown in rendered(view(removed), 100, 30, "truecolor"))
    assert not any(colour in shown for shown in rendered(view(row(preview=preview())), 100, 30, "truecolor"))


def test_a_damaged_picture_does_not_stop_the_view() -> None:
    damaged = preview() | {"png": "AAAA"}
    assert "81 %" in text(view(row(1, preview=damaged)))


def test_scans_side_by_side_are_named() -> None:
    shown = text(view(row(1, scans=2, skipped=["no lesion found in the scan"])))
    assert "highest of 2 scans in this frame" in shown
    assert "another scan of this frame: no lesion" in shown


def test_a_second_snapshot_keeps_the_pictures_it_leaves_out() -> None:
    first = view(row(1, preview=preview()), row(2, preview=preview()))
    again = first.heard(snapshot(row(1), row(2, assessed_at=NOW.isoformat())), NOW)
    assert [r.preview is not None for r in again.rows] == [True, False]  # the second was assessed anew


MODES = ["", "h", "i", "g", "r", "p", "2", "3", "down", "m", "2 d 4 a", "o", "?"]


def looking(keys: str, shown: View) -> Focus:
    focus = Focus()
    for key in keys.split():
        focus = press(focus, key, shown, NOW).focus
    return focus


@pytest.mark.parametrize("keys", MODES)
def test_without_contact_no_mode_shows_a_figure(keys: str) -> None:
    shown = exam()
    lines = rendered(shown.lost(), 120, 40, focus=looking(keys, shown))
    whole = "\n".join(lines)
    assert "%" not in whole and "█" not in whole
    assert ("NO CONTACT" in whole) == (keys != "?")
    assert "Agent: no contact" in whole


@pytest.mark.parametrize("keys", [mode for mode in MODES if mode not in ("?", "3")])
def test_every_figure_stands_with_state_age_and_model(keys: str) -> None:
    shown = exam()
    lines = rendered(shown, focus=looking(keys, shown))
    heading = next(line for line in lines if "SLIDE" in line or "STUDY, highest" in line)
    after = " ".join(lines[lines.index(heading) :][:2])
    assert ("provisional" in after or "final" in after) and "ago" in after
    assert any("ovary-net 0.1.0 · a1b2c3d4e5f6" in line for line in lines)


def test_a_held_screen_says_what_came_and_what_is_superseded() -> None:
    shown = exam()
    focus = looking("h", shown)
    later = shown.heard({"event": "row", "row": row(8, risk=0.99, assessed_at="2026-03-04T11:00:00Z")}, NOW)
    whole = "\n".join(rendered(later, 100, 30, focus=focus))
    assert "HELD, 1 result since" in whole
    assert "SUPERSEDED" in whole and "provisional · " not in whole.split("Study so far")[0]


def test_the_large_figure_always_says_whose_it_is() -> None:
    shown = exam()
    assert " SLIDE 8 of 8 " in text(shown)
    of_study = "\n".join(rendered(shown, focus=looking("r", shown)))
    assert " STUDY, highest " in of_study and "on slide 2; the picture is of slide 8" in of_study


def test_facts_with_their_source_and_those_that_the_model_does_not_use() -> None:
    assert "Menopausal status: postmenopausal, entered by anna at 10:43" in text(exam(), 160, 48)
    unused = study(facts={"menopausal_status": fact(used=False)})
    assert "Menopausal status: not used by this model" in text(view(row(), studies=[unused]), 120)
    unknown = study(facts={"menopausal_status": fact()})
    assert "Menopausal status: unknown  (key m)" in text(view(row(), studies=[unknown]), 120)


def test_a_slide_of_another_model_has_no_large_figure() -> None:
    other = row(1, bundle_digest="f" * 64, model="ovary-net 0.0.9")
    told = study(risk=None, why="slides were scored by different models")
    whole = text(view(other, studies=[told]), 180, 40)
    assert "OTHER MODEL" in whole and "ovary-net 0.0.9 ffffffffffff: 81 %, above its" in whole
    assert "threshold 38 %" not in whole


@pytest.mark.parametrize("keys", ["", "r"])
def test_a_study_of_another_model_is_not_held_against_this_ones_threshold(keys: str) -> None:
    old = {"bundle_digest": "f" * 64, "model": "ovary-net 0.0.9"}
    told = study(digest="f" * 64, risk=figures(highest=0.39))
    for shown in (
        view(row(1, risk=0.39, **old), studies=[told]),
        view(row(1, risk=0.39, **old), row(2, **old)),
    ):
        whole = "\n".join(rendered(shown, 180, 48, focus=looking(keys, shown)))
        assert "OTHER MODEL" in whole or "NO STUDY RISK" in whole
        assert not re.search(r"highest \d|▲ above the|▼ below the|39 % ▲", whole)


def test_an_agent_without_studies_shows_no_state_and_its_own_figures() -> None:
    whole = text(view(row(1, risk=0.1), row(2)))
    assert "provisional" not in whole and "final" not in whole
    assert "highest 81 % ▲ slide 2   vote tied, 1 of 2   mean 46 %   agreement 50 %" in whole


def test_a_row_told_again_keeps_its_picture_unless_it_was_assessed_anew() -> None:
    first = view(row(1, preview=preview()))
    entered = first.heard({"event": "row", "row": row(1, side="left")}, NOW)
    assert entered.rows[0].preview is not None
    anew = first.heard({"event": "row", "row": row(1, assessed_at="2026-03-04T11:00:00Z")}, NOW)
    assert anew.rows[0].preview is None


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 220), st.integers(8, 70), st.sampled_from(MODES), st.integers(3, 60), st.booleans())
def test_any_size_is_filled_and_keeps_its_banner(
    width: int, height: int, keys: str, slides: int, in_contact: bool
) -> None:
    shown = exam(slides)
    lines = rendered(shown if in_contact else shown.lost(), width, height, focus=looking(keys, shown))
    assert len(lines) == height
    assert all(cell_len(line) <= width for line in lines)
    assert RESEARCH_USE.upper()[: width - 2] in lines[0]


def test_a_slide_has_the_name_that_came_with_it_and_the_study_says_that_there_are_several() -> None:
    nobody = {"patient_id": "", "study_instance_uid": None}
    shown = view(row(1, **nobody), row(2, patient_name="ROE^ANN", risk=0.02, above_threshold=False, **nobody))
    second = rendered(shown, 80, 24)
    first = rendered(shown, 80, 24, focus=press(Focus(), "1", shown, NOW).focus)
    assert "ROE ANN" in second[1] and "DOE JANE" not in second[1]
    assert "DOE JANE" in first[1] and "ROE ANN" not in first[1]
    assert "SEVERAL NAMES" in first[1] and "SEVERAL NAMES" in second[1]


@pytest.mark.parametrize("width", [50, 80])
def test_no_name_or_id_pushes_off_that_the_screen_is_held(width: int) -> None:
    whose = {"patient_name": "LONGNAME" * 8, "patient_id": "9" * 64}
    shown = view(row(1, **whose))
    line = rendered(shown, width, 24, focus=Focus(held=shown))[1]
    assert "LONGNAME" in line and "HELD, 0 results" in line


def test_an_image_from_the_future_is_not_called_new() -> None:
    shown = view(row())
    before = rendered(shown, 80, 24, now=NOW - timedelta(hours=1))
    assert any("age unknown" in line for line in before)
    assert not any("<1 min" in line for line in before)


@pytest.mark.parametrize("key", ["", "r"])
def test_the_heading_of_a_long_study_takes_one_line_at_80_columns(key: str) -> None:
    shown = exam(13)
    focus = press(Focus(), key, shown, NOW).focus if key else Focus()
    (heading,) = [
        line for line in rendered(shown, 80, 24, focus=focus) if "STUDY, h" in line or "SLIDE 13" in line
    ]
    assert "provisional" in heading and heading.rstrip().endswith("<1 min ago")


def test_the_study_s_figure_says_when_it_is_the_highest_of_what_may_be() -> None:
    shown = view(row(1), studies=[study(risk=figures(risk_if_unknown=True))])
    small = rendered(shown, 60, 15, focus=press(Focus(), "r", shown, NOW).focus)
    assert any("at most: unknown facts" in line for line in small)


def test_why_a_slide_was_not_scored_is_said_once() -> None:
    reason = "unlike the training data"
    shown = view(unscored(1, "not_scored", reason), studies=[study(risk=None)])
    answer = {"event": "picture", "sop_instance_uid": "1.2.1", "frame": 1, "kind": "preview"}
    shown = shown.heard({**answer, "picture": None, "reason": reason}, NOW)
    assert text(shown, 120, 36).count(reason) == 1


def test_what_became_of_an_entry_names_its_patient_first() -> None:
    shown = view(row(1), row(2, study_instance_uid="9", patient_id="7", patient_name="ROE^ANN"))
    failed = Notice("NOT CONFIRMED: slide 1, dispute: wrong outline. " + "why " * 30, "failed", ("1.2", "42"))
    last = rendered(shown, 60, 15, focus=Focus().saying(failed))[-1]
    assert "Esc" in last and "DOE JANE, 42: NOT CONFIRMED: slide 1" in last


def test_why_a_slide_was_left_out_stands_beside_its_risk() -> None:
    shown = view(row(1, left_out=True, left_out_reason=f"poor [red]image {HOSTILE}"))
    whole = text(shown, 160, 48)
    assert "x LEFT OUT of the study: poor [red]image" in whole and "\x1b" not in whole
    unscored_too = unscored(1, "not_scored", "why", left_out=True, left_out_reason="the bladder")
    assert "x LEFT OUT of the study: the bladder" in text(view(unscored_too))
    assert "x LEFT OUT of the study\n" in re.sub(" +\n", "\n", text(view(row(1, left_out=True))))


def test_what_is_typed_is_seen_on_a_narrow_screen_under_a_long_name() -> None:
    shown = view(row(1, patient_name="LONGNAME" * 8), studies=[study()])
    focus = Focus()
    for key in ["d", "4", *"the calipers lie on the cyst's wall"]:
        focus = press(focus, key, shown, NOW).focus
    title, choices = rendered(shown, 60, 15, focus=focus)[-2:]
    assert "DISPUTE of slide 1" in title and "LONGNAME" in title
    assert "wall_" in choices


def test_the_help_is_whole_at_80_by_24_whatever_the_model_says() -> None:
    shown = view(row(1), model={"trained_on": "very many images " * 20})
    page = rendered(shown, 80, 24, focus=press(Focus(), "?", shown, NOW).focus)
    assert any("in place of an earlier result" in line for line in page)


def test_a_mean_just_below_the_threshold_does_not_read_as_at_it() -> None:
    shown = view(row(1), studies=[study(risk=figures(mean=0.3799))])
    assert "mean 37.99 %" in text(shown)


def test_the_lower_end_of_several_risks_is_never_none() -> None:
    assert percent_range((0.002, 0.5), 0.38) == "<1-50 %"
    assert percent_range((0.5, 0.998), 0.38) == "50->99 %"


def test_of_more_slides_than_are_told_each_has_its_own_number() -> None:
    rows = [row(number, slide=number) for number in range(6, 206)]
    highest = figures(slides=205, highest_slide=["1.2.3", 1], highest_slide_number=3)
    shown = view(*rows, studies=[study(slides=205, risk=highest)])
    lines = rendered(shown)
    assert any(" SLIDE 205 of 205 " in line or " SLIDE 205/205 " in line for line in lines)
    assert any("highest 81 % ▲ slide 3 " in line for line in lines)
    (cells,) = (line for line in lines if "[205]" in line)
    first = int(re.findall(r" (\d+) ", cells)[0])
    assert cells.startswith(f" <{first - 1} ")
    first_told = Focus(slide=("1.2.6", 1))
    assert any(line.startswith(" <5   [6] ") for line in rendered(shown, focus=first_told))
    assert not any("of the last" in line for line in lines)  # the agent counted all
