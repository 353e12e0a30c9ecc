"""What people do at the machine, in a real terminal with real keys: each within three of them."""

import os
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.sockets.control import NAME as CONTROL
from edge.view.agent.feed import STALE_AFTER_S
from tests.edge.running import freeze, wait_for
from tests.edge.view.agent import TinyAgent
from tests.edge.view.messages import AGENT, figures, preview, row, snapshot, study, unscored
from tests.edge.view.terminal import Terminal, in_terminal


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[TinyAgent]:
    rows = [row(n, risk=risk) for n, risk in enumerate((0.05, 0.81, 0.12, 0.44), 1)]
    rows[2] = unscored(3, "not_scored", "unlike the training data")
    rows[3]["preview"] = preview()
    tiny = TinyAgent(
        tmp_path / "data", snapshot(*rows, studies=[study(risk=figures(slides=3, above_threshold=2))])
    )
    yield tiny
    tiny.close()


@pytest.fixture
def terminal(agent: TinyAgent) -> Iterator[Terminal]:
    with in_terminal("watch", "--data", agent.data, width=100, height=30) as terminal:
        terminal.wait_for("SLIDE 4 of 4")
        yield terminal
        terminal.type(b"\x1bq")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.shown


def test_five_tasks_in_three_keys_each(terminal: Terminal, agent: TinyAgent) -> None:
    terminal.wait_for("· 0 waiting · 143 ms, p95 201 ms · disk 41 GB free · last image")  # without a key
    terminal.type(b"2")
    terminal.wait_for("SLIDE 2 of 4")
    terminal.wait_for("EARLIER SLIDE, 2 newer")
    wait_for(lambda: agent.asked, "the view to ask for the picture", 10)
    assert agent.asked[0] == {"want": "picture", "sop_instance_uid": "1.2.2", "frame": 1, "kind": "preview"}
    terminal.type(b"3")
    terminal.wait_for("unlike the training data")
    terminal.type(b"m2\r")
    terminal.wait_for("Entered: menopausal status: postmenopausal")
    terminal.type(b"d1\r")
    terminal.wait_for("Entered: slide 3, dispute: wrong outline")
    place = {"do": "enter", "study": "1.2", "patient": "42"}
    assert all(entered.pop("by") for entered in agent.entered)
    assert agent.entered == [
        {**place, "fact": "menopausal_status", "value": "postmenopausal"},
        {**place, "instance": "1.2.3", "frame": 1, "disputed": "wrong outline"},
    ]


def test_a_slide_is_assigned_to_a_lesion_in_three_keys(terminal: Terminal, agent: TinyAgent) -> None:
    terminal.type(b"l1\r")
    terminal.wait_for("Entered: slide 4, lesion: 1")
    assert agent.entered.pop().pop("by")
    agent.say({"event": "row", "row": row(4, risk=0.44, lesion=1)})
    terminal.wait_for("Lesion: 1")
    time.sleep(0.6)
    terminal.type(b"2l")
    terminal.wait_for("2 new")
    terminal.type(b"2\r")
    terminal.wait_for("Entered: slide 2, lesion: 2")
    (entered,) = agent.entered
    assert (entered["instance"], entered["lesion"], entered["study"]) == ("1.2.2", 2, "1.2")


def test_what_is_pasted_is_never_a_key_but_may_be_a_reason(terminal: Terminal, agent: TinyAgent) -> None:
    assert "\x1b[?2004h" in terminal.raw
    terminal.type(b"\x1b[200~q2hm1\r\x1b[201~")
    terminal.type(b"d4")
    terminal.wait_for("type a reason")
    assert "HELD" not in terminal.shown and "MENOPAUSAL" not in terminal.shown
    terminal.type(b"\x1b[200~the calipers\nlie on \x1b[31mq\x1b[201~!")
    terminal.wait_for("lie on [31mq!_")
    terminal.type(b"\r")
    terminal.wait_for("Entered: slide 4, dispute: the calipers lie on [31mq!")
    assert [entered["disputed"] for entered in agent.entered] == ["the calipers lie on [31mq!"]


def test_a_refused_entry_is_said(terminal: Terminal, agent: TinyAgent) -> None:
    agent.refuse = "the disk is full [red]\x1b[2Jnow"
    terminal.type(b"m1\r")
    terminal.wait_for("NOT ENTERED: menopausal status: premenopausal. the disk is full [red]\ufffd[2Jnow")


def test_an_entry_without_an_answer_is_said(terminal: Terminal, agent: TinyAgent) -> None:
    (agent.data / CONTROL).unlink()
    terminal.type(b"m1\r")
    terminal.wait_for("NOT ENTERED: menopausal status: premenopausal. No agent answers.")


def test_an_entry_that_fails_after_the_view_was_left_is_said_all_the_same(
    agent: TinyAgent,
) -> None:
    agent.refuse = "the disk is full"
    with in_terminal("watch", "--data", agent.data) as terminal:
        terminal.wait_for("SLIDE 4 of 4")
        terminal.type(b"m1\rq")
        assert terminal.end() == 0
    left = terminal.raw.rindex("\x1b[?1049l")
    assert "NOT ENTERED: menopausal status: premenopausal" in terminal.raw[left:]


def test_a_patient_who_arrives_does_not_take_an_entry(terminal: Terminal, agent: TinyAgent) -> None:
    terminal.type(b"m")
    terminal.wait_for("MENOPAUSAL STATUS")
    agent.say(
        {"event": "row", "row": row(60, study_instance_uid="9", patient_id="43", patient_name="ROE^ANN")}
    )
    terminal.wait_for("EARLIER STUDY")
    terminal.type(b"1\r")
    terminal.wait_for("ROE ANN")  # and then the newest again
    wait_for(lambda: agent.entered, "the entry", 10)
    assert (agent.entered[0]["study"], agent.entered[0]["patient"]) == ("1.2", "42")


def test_a_key_meant_for_the_slide_before_enters_nothing(terminal: Terminal, agent: TinyAgent) -> None:
    agent.say({"event": "row", "row": row(5, risk=0.66)})
    terminal.wait_for("SLIDE 5 of 5")
    terminal.type(b"d")
    terminal.wait_for("just changed by itself")
    time.sleep(0.6)
    terminal.type(b"d")
    terminal.wait_for("DISPUTE of slide 5")
    assert agent.entered == []


def test_silence_is_said_in_time_also_on_a_held_screen(terminal: Terminal, agent: TinyAgent) -> None:
    terminal.type(b"h")
    terminal.wait_for("HELD, 0 results since")
    agent.silence()  # at most a second after the last heartbeat
    terminal.wait_for("NO CONTACT", timeout_s=STALE_AFTER_S + 1 + 1.5)  # on a slow machine


def test_other_pictures_and_privacy(terminal: Terminal) -> None:
    terminal.type(b"g")
    terminal.wait_for("this model exports no saliency")
    terminal.type(b"i")
    terminal.wait_for("What the network saw")
    terminal.type(b"p")
    terminal.wait_for("identity hidden")
    since = len(terminal.raw)
    terminal.type(b"m2\r2d")
    terminal.wait_for("DISPUTE of slide 2")
    assert "DOE" not in terminal.raw[since:] and "42" not in terminal.shown[-2000:].replace("10:42", "")


def test_a_read_only_view_says_so(agent: TinyAgent) -> None:
    with in_terminal("watch", "--read-only", "--data", agent.data) as terminal:
        terminal.wait_for("SLIDE 4 of 4")
        terminal.type(b"d")
        terminal.wait_for("This view only reads")
        terminal.type(b"q")
        assert terminal.end() == 0
    assert agent.entered == []


def test_one_bell_when_a_study_turns_final(agent: TinyAgent) -> None:
    agent.snapshot["studies"] = [study(state="provisional", why="images may follow")]
    with in_terminal("watch", "--bell", "--data", agent.data) as terminal:
        terminal.wait_for("provisional")
        agent.say({"event": "study", "study": study()})
        terminal.wait_for("final")
        agent.say({"event": "study", "study": study(why=None)}, {"event": "heartbeat", "agent": AGENT})
        terminal.type(b"q")
        assert terminal.end() == 0
    assert terminal.raw.count("\x07") == 1


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, "q", "bad message"])
def test_the_terminal_is_given_back(agent: TinyAgent, end: signal.Signals | str) -> None:
    with in_terminal("watch", "--data", agent.data) as terminal:
        terminal.wait_for("SLIDE 4 of 4")
        assert not terminal.modes()[3] & (termios.ECHO | termios.ICANON)
        if end == "q":
            terminal.type(b"q")
        elif end == "bad message":
            agent.say({"event": "row", "row": {}})
        else:
            os.kill(terminal.process.pid, end)
        assert terminal.end() == (2 if end == "bad message" else 0)
        assert terminal.modes()[3] & termios.ECHO and terminal.modes()[3] & termios.ICANON
    assert "\x1b[?1049l" in terminal.raw and "\x1b[?25h" in terminal.raw
    assert terminal.raw.count("\x1b[?2004h") == 1
    assert terminal.raw.rindex("\x1b[?2004l") > terminal.raw.index("\x1b[?2004h")
    assert "Traceback" not in terminal.shown


def test_a_view_that_was_stopped_goes_on(terminal: Terminal, agent: TinyAgent) -> None:
    freeze(terminal.process.pid)
    time.sleep(0.5)
    agent.say({"event": "row", "row": row(5, risk=0.66)})
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.wait_for("SLIDE 5 of 5")
    assert terminal.raw.count("\x1b[?2004h") == 2  # a shell may have switched it off
    terminal.type(b"2")
    terminal.wait_for("SLIDE 2 of 5")
