"""Keys and messages in any order: the screen shows what was asked for, entries go where they began."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.view.agent.state import View
from edge.view.focus.entry import MAX_TEXT, PATIENCE
from edge.view.focus.focus import NOTICES, Focus, Notice, Step, answered, press, settled
from edge.view.focus.keys import KEYS, Paste
from edge.view.focus.pictures import picture, wanted
from tests.edge.view.messages import (
    NOW,
    Message,
    exam,
    figures,
    preview,
    rendered,
    row,
    study,
    unscored,
    view,
)

MINE, OTHER = ("1.2", "42"), ("9", "43")
ALL_KEYS = [press for key in KEYS for press in key.presses if press != "q"]
KEY_LISTS = st.lists(st.sampled_from([*ALL_KEYS, "enter", "escape", "backspace", "z"]), max_size=12)


def another_patient(shown: View) -> View:
    came = row(50, study_instance_uid="9", patient_id="43", patient_name="ROE^ANN", risk=0.02)
    told = study(study_instance_uid="9", patient_id="43")
    return shown.heard({"event": "row", "row": came}, NOW).heard({"event": "study", "study": told}, NOW)


def after(keys: str, shown: View, focus: Focus | None = None) -> Step:
    step = Step(focus or Focus())
    for key in keys.split():
        step = press(step.focus, key, shown, NOW)
    return step


def slide(keys: str, shown: View) -> int:
    return after(keys, shown).focus.look(shown).number


def test_slides_by_arrow_and_by_number() -> None:
    shown = exam()
    assert [slide(keys, shown) for keys in ("", "left", "left left", "2", "2 right", "9", "8 right")] == [
        8, 7, 6, 2, 3, 8, 8,
    ]  # fmt: skip
    assert after("left right", shown).focus == Focus()  # the newest again, whichever that will be
    assert slide("2 n", shown) == slide("2 home", shown) == 8


def test_earlier_studies_and_back() -> None:
    shown = exam()
    assert after("down", shown).focus.look(shown).owner == ("0", "7")
    assert after("down down", shown).focus.look(shown).owner == ("0", "7")
    assert after("down up", shown).focus == after("tab tab", shown).focus == Focus()


def test_the_newest_patient_is_shown_even_when_an_earlier_slide_was() -> None:
    shown = exam()
    focus = after("2", shown).focus
    assert focus.look(another_patient(shown)).owner == OTHER


def test_who_went_to_an_earlier_study_stays_there() -> None:
    shown = exam()
    focus = after("down", shown).focus
    assert focus.look(another_patient(shown)).owner == ("0", "7")


@pytest.mark.parametrize("keys", ["m", "2 d", "s", "l", "x", "h m", "r i p d 4"])
def test_an_entry_stays_with_its_study_and_slide_whatever_arrives(keys: str) -> None:
    shown = exam()
    focus = after(keys, shown).focus
    before = focus.look(shown)
    later = focus.look(another_patient(shown))
    assert (before.owner, before.row) == (later.owner, later.row)
    assert before.owner == MINE
    step = after("1 a enter", another_patient(shown), focus)
    assert step.entered is not None and step.entered.study == MINE
    assert (step.entered.request["study"], step.entered.request["patient"]) == MINE


def test_requests_are_what_the_protocol_says() -> None:
    shown = exam()
    place = {"do": "enter", "study": "1.2", "patient": "42"}
    slide_2 = {**place, "instance": "1.2.2", "frame": 1}
    said = {
        "m 2 enter": {**place, "fact": "menopausal_status", "value": "postmenopausal"},
        "m down enter": {**place, "fact": "menopausal_status", "value": "premenopausal"},
        "2 s 1 enter": {**slide_2, "side": "left"},
        "2 s 3 enter": {**slide_2, "side": None},
        "2 l 0 enter": {**slide_2, "lesion": None},
        "2 l 2 enter": {**slide_2, "lesion": 2},
        "2 l 3 enter": {**slide_2, "lesion": 3},
        "2 x 1 enter": {**slide_2, "left_out": True, "reason": "poor image"},
        "1 x enter": {**slide_2, "instance": "1.2.1", "left_out": False, "reason": None},
        "4 d 3 enter": {**slide_2, "instance": "1.2.4", "disputed": "artefact"},
        "4 d 4 n o backspace enter": {**slide_2, "instance": "1.2.4", "disputed": "n"},
        "2 d enter": {**slide_2, "disputed": None},
    }
    for keys, request in said.items():
        step = after(keys, shown)
        assert step.entered is not None and step.entered.request == request, keys


@pytest.mark.parametrize(
    "keys",
    [
        "l enter",
        "2 l 4 enter",
        "m 0 enter",
        "m enter",
        "m 7 enter",
        "2 x 4 enter",
        "4 d 4 backspace enter",
        "m 2 escape enter",
    ],
)
def test_nothing_is_sent_before_an_entry_is_whole(keys: str) -> None:
    assert after(keys, exam()).entered is None


@pytest.mark.parametrize(
    ("shown", "refusal"),
    [(exam().lost(), ""), (exam(), "This view only reads"), (view(row()), ""), (view(), "")],
    ids=["no contact", "read-only", "an agent without studies", "no scan"],
)
@pytest.mark.parametrize("key", ["m", "s", "l", "x", "d"])
def test_what_can_t_be_entered_is_said_at_the_first_key(shown: View, refusal: str, key: str) -> None:
    step = press(Focus(), key, shown, NOW, refusal)
    assert step.focus.entry is None
    assert step.focus.notices[-1].text


def test_lesions_are_asked_for_by_their_own_number() -> None:
    def asked(*slides: Message) -> list[str]:
        entry = after("l", view(*slides, studies=[study()])).focus.entry
        assert entry is not None and entry.first == 0
        return [choice.offered or choice.label for choice in entry.choices]

    assert asked(row(1)) == ["none", "new"]
    slides = [row(1, lesion=1, side="left"), row(2, lesion=3), row(3, lesion=3, side="right")]
    assert asked(*slides) == ["none", "left", "new", "right", "new"]
    assert asked(*slides, row(4, lesion=3, side="left"))[3] == "left and right"
    assert asked(row(1, lesion=1)) == ["none", "no side", "new"]
    many = [row(n, lesion=n, side="left" if n % 2 else None) for n in range(1, 10)]
    assert asked(*many) == ["none", *"L-L-L-L-L"]
    line = rendered(view(*many, studies=[study()]), focus=after("l", view(*many, studies=[study()])).focus)[
        -1
    ]
    assert line.split() == [
        "0",
        "none",
        *(f"{n} {'L' if n % 2 else '-'}".split()[i] for n in range(1, 10) for i in (0, 1)),
    ]


def test_a_lesion_of_slides_that_are_no_longer_among_the_rows_is_known() -> None:
    told = study(lesions={"4": {"sides": ["left"], "risk": figures()}})
    assert Focus().look(view(row(1), studies=[told])).lesions == {4: ("left",)}


def test_what_is_pasted_is_no_key() -> None:
    shown = exam()
    for keys in ("", "?", "m", "4 d", "l 2", "h"):
        focus = after(keys, shown).focus
        for letters in ("q", "m2\r", "\x1b", "2", ""):
            step = press(focus, Paste(letters), shown, NOW)
            assert step == Step(focus), (keys, letters)


def test_what_is_pasted_in_a_reason_is_text_made_safe() -> None:
    shown = exam()
    focus = after("4 d 4 a", shown).focus
    pasted = press(focus, Paste(" cyst\r\nof\x1b[2J\u202eq\x07 [red]é"), shown, NOW).focus
    sent = press(pasted, "enter", shown, NOW).entered
    assert sent is not None and sent.request["disputed"] == "a cyst of [2J q [red]é"
    long = press(focus, Paste("x" * 5000), shown, NOW).focus.entry
    assert long is not None and long.text == "a" + "x" * (MAX_TEXT - 1)


def test_an_entry_that_nobody_ends_is_given_up_and_that_is_said() -> None:
    shown = exam()
    focus = after("2 d 1", shown).focus
    assert settled(focus, shown, NOW + PATIENCE) is focus
    late = settled(focus, shown, NOW + PATIENCE + timedelta(seconds=1))
    assert late.entry is None and "nothing was entered" in late.notices[-1].text


def test_an_entry_whose_study_is_purged_is_given_up() -> None:
    focus = after("m", exam()).focus
    gone = settled(focus, view(row(1, study_instance_uid="9"), studies=[]), NOW)
    assert gone.entry is None and "no longer" in gone.notices[-1].text


def test_an_entry_waits_until_it_is_answered_and_a_refusal_stays_until_escape() -> None:
    shown = exam()
    step = after("m 2 enter", shown)
    assert step.entered is not None
    waiting = after("left right ? ?", shown, step.focus).focus
    assert [notice.kind for notice in waiting.notices] == ["waits"]
    refused = answered(waiting, step.entered, "NOT ENTERED: the disk is full")
    assert "the disk is full" in after("left r h", shown, refused).focus.notices[-1].text
    assert after("left escape", shown, refused).focus.notices == ()
    taken = answered(waiting, step.entered, "")
    assert taken.notices[-1].text.startswith("Entered") and after("left", shown, taken).focus.notices == ()


def test_holding_keeps_all_but_contact() -> None:
    shown = exam()
    focus = after("h", shown).focus
    now = another_patient(shown)
    held = focus.look(now)
    assert (held.owner, held.number, held.since) == (MINE, 8, 1)
    assert not held.superseded
    assert not focus.look(now.lost()).view.in_contact
    changed = now.heard({"event": "row", "row": row(8, risk=0.99)}, NOW)
    assert focus.look(changed).superseded
    assert after("h", now, focus).focus.look(now).owner == OTHER
    assert after("n", now, focus).focus.look(now).owner == OTHER


def test_the_newest_slide_with_a_result_is_shown_but_any_can_be_gone_to() -> None:
    shown = view(row(1), unscored(2, "pending"), studies=[study()])
    assert [slide(keys, shown) for keys in ("", "right", "right left")] == [1, 2, 1]


@settings(max_examples=60, deadline=None)
@given(KEY_LISTS, KEY_LISTS, st.integers(0, 12))
def test_no_keys_break_the_screen_or_move_an_entry(first: list[str], then: list[str], slides: int) -> None:
    shown = exam(max(slides, 3))
    focus = after(" ".join(first), shown).focus
    began = focus.entry and (focus.entry.study, focus.entry.slide)
    later = another_patient(shown)
    for key in then:
        if focus.entry and began is None:
            began = focus.entry.study, focus.entry.slide
        if focus.entry is None:
            began = None
        step = press(focus, key, later, NOW)
        if step.entered:
            assert began is not None and step.entered.study == began[0]
            assert step.entered.request.get("instance", began[1] and began[1][0]) == (
                began[1] and began[1][0]
            )
        focus = settled(step.focus, later, NOW)
        seen = focus.look(later)
        assert seen.row is None or seen.row in seen.rows
        assert all(each.owner == seen.owner for each in seen.rows)
        if focus.entry:
            assert seen.owner == focus.entry.study


def test_a_held_screen_is_the_same_screen() -> None:
    shown = exam()
    assert replace(after("h", shown).focus.look(shown), held=False) == Focus().look(shown)


def test_escape_takes_away_no_failure_that_was_not_shown() -> None:
    focus = Focus()
    for number in range(NOTICES + 2):
        focus = focus.saying(Notice(str(number), "failed"))
    once = after("escape", exam(), focus).focus
    assert [notice.text for notice in once.notices] == ["0", "1"]
    assert after("escape", exam(), once).focus.notices == ()


def test_a_held_slide_never_gets_the_picture_of_an_image_that_came_under_its_uid_later() -> None:
    shown = view(row(1, image_digest="old"))
    held = press(Focus(), "h", shown, NOW).focus
    later = (NOW + timedelta(minutes=1)).isoformat()
    live = shown.heard({"event": "row", "row": row(1, image_digest="new", assessed_at=later)}, NOW)
    answer = {"event": "picture", "sop_instance_uid": "1.2.1", "frame": 1, "kind": "prepared"}
    live = live.heard({**answer, "picture": preview(), "reason": None}, NOW)
    assert Focus().look(live).view.picture(("1.2.1", 1), "prepared")
    assert not held.look(live).view.picture(("1.2.1", 1), "prepared")
    assert held.look(live).superseded


def test_slides_stand_and_are_found_by_the_numbers_that_the_agent_gave() -> None:
    """The third came again later, with another image; the second is gone."""
    told = [row(9, slide=3, risk=0.1), row(1, slide=1, risk=0.2), row(4, slide=4, risk=0.3)]
    shown = view(*told, studies=[study(slides=3)])
    look = Focus().look(shown)
    assert [one.slide for one in look.rows] == [1, 3, 4]
    assert (look.number, look.count, look.newer_slides) == (3, 4, 0)  # what came last is shown
    fourth = after("4", shown).focus
    assert fourth.look(shown).row.risks == (0.3,) and fourth.look(shown).newer_slides == 1
    assert after("2", shown).focus == Focus()
    assert after("left", shown, fourth).focus.look(shown).number == 3
    assert after("left", shown).focus.look(shown).number == 1


def test_the_highest_slide_of_a_part_has_its_number_though_the_view_knows_no_more_of_it() -> None:
    parts = {
        name: figures(highest_slide=[f"9.{number}", 1], highest_slide_number=number)
        for number, name in enumerate(("whole", "left", "lesion"), 1)
    }
    lesions = {"1": {"sides": ["left"], "risk": parts["lesion"]}}
    told = study(risk=parts["whole"], sides={"left": parts["left"]}, lesions=lesions)
    look = Focus().look(view(row(9, slide=9), studies=[told]))
    assert [look.number_of((f"9.{number}", 1)) for number in (1, 2, 3, 4)] == [1, 2, 3, 0]


def test_a_picture_of_another_image_than_the_row_s_is_not_shown_and_the_right_one_is_asked_for() -> None:
    prepared = Focus(picture="prepared")
    before = view(row(1, image_digest="old"), studies=[study()])
    asked = wanted(prepared.look(before), prepared)
    answer = {"event": "picture", "sop_instance_uid": "1.2.1", "frame": 1, "kind": "prepared", "reason": None}
    early = before.heard({**answer, "picture": preview(), "image_digest": "new"}, NOW)
    assert picture(prepared.look(early), prepared) == (None, "what the network saw: not here yet")
    changed = {"event": "row", "row": row(1, image_digest="new")}
    assert picture(prepared.look(early.heard(changed, NOW)), prepared)[0]
    after = before.heard(changed, NOW)
    late = after.heard({**answer, "picture": preview(), "image_digest": "old"}, NOW)
    assert picture(prepared.look(late), prepared) == (None, "what the network saw: not here yet")
    assert wanted(prepared.look(late), prepared) not in (None, asked)  # so it is asked for anew
    right = late.heard({**answer, "picture": preview(), "image_digest": "new"}, NOW)
    assert picture(prepared.look(right), prepared)[0] and wanted(prepared.look(right), prepared) is None


def test_a_picture_that_was_asked_for_stands_as_one_that_came_with_its_row() -> None:
    came = view(row(1, preview=preview()))
    answer = {"event": "picture", "sop_instance_uid": "1.2.1", "frame": 1, "kind": "preview"}
    asked = view(row(1)).heard({**answer, "picture": preview(), "reason": None}, NOW)
    assert picture(Focus().look(asked), Focus()) == picture(Focus().look(came), Focus())
