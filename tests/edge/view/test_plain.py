"""The live view without a screen: lines that can be read aloud, and the agent's messages as they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.view.agent.state import View
from edge.view.plain import plain_lines
from scanside import RESEARCH_USE
from tests.edge.running import edge
from tests.edge.view.agent import TinyAgent
from tests.edge.view.messages import AGENT, MODEL, NOW, Message, exam, row, snapshot, study, unscored, view
from tests.edge.view.terminal import in_terminal

HOSTILE = "DOE[/b]^JANE\x1b]0;x\x07\u202e\nNEXT"


def lines(*views: object) -> list[str]:
    return list(plain_lines(views, hidden=False))  # type: ignore[arg-type]


def test_each_risk_stands_with_its_state_age_and_model() -> None:
    risks = [line for line in lines(exam()) if "%" in line]
    assert len(risks) == 3 + 7 + 2  # the earlier study's slides, this one's but the third, both studies
    for line in risks:
        assert "provisional" in line or "final" in line
        assert "ago" in line and f"ovary-net 0.1.0 {MODEL['digest'][:12]}" in line


def test_sides_lesions_and_why_a_slide_is_left_out_are_said() -> None:
    said = "\n".join(lines(exam()))
    assert "left out: poor image. side left" in said and "side right. lesion 1. 143 ms" in said
    assert (
        "right side: highest of 1 slide 81 %, above the threshold. vote above the threshold, mean 81 %"
        in said
    )
    assert "lesion 1, right side: highest of 1 slide 81 %" in said
    assert "lesion 2: highest of 1 slide 44 %" in said
    apart = {"3": {"sides": ["left", "right"], "risk": None}}
    first = view(row(1), studies=[study()])
    again = first.heard({"event": "study", "study": study(lesions=apart)}, NOW)
    assert "lesion 3: slides on both sides, not put together" in lines(first, again)[-1]
    assigned = first.heard({"event": "row", "row": row(1, lesion=3)}, NOW)
    assert "lesion 3. 143 ms" in lines(first, assigned)[-1]


def test_a_slide_of_another_days_exam_has_its_number_and_no_risk() -> None:
    old = row(
        1, scanner="ROOM 3", study_date="2020-01-01", study_time="10:00:00", acquired_at="2020-01-01T10:00:00"
    )
    said = "\n".join(lines(view(old)))
    assert (
        "from ROOM 3. slide 1. exam of 1 Jan 2020, its risk is in: edge results" in said
        and "81 %" not in said
    )
    alone = "\n".join(lines(view(row(1, study_date="2020-01-01", acquired_at="2020-01-01T10:00:00"))))
    assert ". . " not in alone and "slide 1. exam of 1 Jan 2020" in alone


def test_lines_are_words_without_boxes_and_signs() -> None:
    for line in lines(exam(), exam().lost()):
        assert all(letter.isascii() for letter in line), line


def test_a_line_is_said_once_and_again_when_something_changed() -> None:
    first = view(row(1), studies=[study(state="provisional", why="1 image waits")])
    again = first.heard({"event": "study", "study": study()}, NOW)
    said = lines(first, first, again, again)
    assert sum("slide 1" in line for line in said) == 1
    assert [("provisional" in line, "final" in line) for line in said if line.startswith("Study")] == [
        (True, False),
        (False, True),
    ]


def test_contact_and_why_a_slide_was_not_scored_are_said() -> None:
    shown = view(unscored(3, "not_scored", "unlike the training data"))
    said = lines(shown.lost(), shown, shown.lost())
    assert said[0] == RESEARCH_USE
    assert "No contact" in said[1] and "Model ovary-net" in said[2]
    assert "not scored. unlike the training data" in said[3]
    assert "No contact with the agent since" in said[4]


def test_a_reason_that_ends_in_a_point_gets_no_second_one() -> None:
    said = lines(view(unscored(3, "not_scored", "can't be read. Export it in another way.")))[-1]
    assert "Export it in another way. " in said + " " and ".." not in said


def test_nobody_is_named_when_identity_is_hidden() -> None:
    said = list(plain_lines([exam()], hidden=True))
    assert not any("DOE" in line or "ROE" in line for line in said)


def watch(data: Path, option: str, until: int) -> list[str]:
    """The first lines of `edge watch` with `option`."""
    command = [sys.executable, "-m", "edge.cli", "watch", option, "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        read = [process.stdout.readline() for _ in range(until)]
        process.terminate()
        assert process.wait(20) == 0
    return read


def test_json_lines_are_the_messages_themselves(tmp_path: Path) -> None:
    message: Message = snapshot(row(1, patient_name=HOSTILE), studies=[study()])
    agent = TinyAgent(tmp_path / "data", message)
    said = watch(agent.data, "--json", 3)
    agent.close()
    assert all(line.isascii() and line.rstrip("\n").isprintable() for line in said)
    assert [json.loads(line)["event"] for line in said] == ["contact", "snapshot", "heartbeat"]
    assert json.loads(said[1]) == message


def test_plain_lines_obey_no_text(tmp_path: Path) -> None:
    agent = TinyAgent(tmp_path / "data", snapshot(row(1, patient_name=HOSTILE)))
    said = watch(agent.data, "--plain", 3)
    agent.close()
    assert "DOE[/b] JANE" in said[2] and "NEXT" in said[2]
    assert all(line.rstrip("\n").isprintable() for line in said)


@pytest.mark.parametrize(
    "options", [("--json", "--privacy"), ("--plain", "--json"), ("--once", "--svg", "x")]
)
def test_options_that_don_t_go_together_are_refused(options: tuple[str, ...], tmp_path: Path) -> None:
    done = edge("watch", *options, "--data", tmp_path)
    assert done.returncode in (1, 2) and "--" in done.stderr and "Traceback" not in done.stderr


def test_a_reader_is_told_when_the_agent_no_longer_scores() -> None:
    shown = view(row(1))
    agent = {**AGENT, "state": "not scoring: the model failed its self-test"}
    sick = shown.heard({"event": "heartbeat", "agent": agent}, NOW)
    said = lines(shown, sick, sick, shown)
    assert [line for line in said if "self-test" in line] == [
        "NOT SCORING. not scoring: the model failed its self-test."
    ]
    assert said[-1].startswith("Model")


def test_a_reader_is_told_once_when_the_disk_gets_low() -> None:
    shown = view(row(1))
    low = {**AGENT, "disk_free_mb": 900, "disk_images": 40, "disk_low": True}
    agents = (low, low | {"disk_images": 39}, AGENT, low)
    messages = [{"event": "heartbeat", "agent": agent} for agent in agents]
    views = [shown]
    for message in messages:
        views.append(views[-1].heard(message, NOW))
    said = lines(*views)
    assert "Disk 41 GB free. Last image" in said[1]
    expected = "Disk low: 900 MB free, room for 40 images; below 256 MB none is received."
    assert [line for line in said if line.startswith("Disk low")] == [expected] * 2


def test_names_that_the_output_cannot_hold_are_escaped(tmp_path: Path) -> None:
    agent = TinyAgent(tmp_path / "data", snapshot(row(1, patient_name="\u0141UCJA")))
    command = [sys.executable, "-m", "edge.cli", "watch", "--plain", "--data", str(agent.data)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        process.terminate()
        assert process.wait(20) == 0
    agent.close()
    assert "\\u0141UCJA" in said[2]


@pytest.mark.parametrize("options", [(), ("--once",)])
def test_a_terminal_without_the_signs_is_refused(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    with in_terminal("watch", *options, "--data", tmp_path) as terminal:
        assert terminal.end() == 1
    assert "lacks the view's signs" in " ".join(terminal.shown.split())


def test_a_terminal_without_cursor_movements_gets_lines(tmp_path: Path) -> None:
    agent = TinyAgent(tmp_path / "data", snapshot(row(1)))
    with in_terminal("watch", "--data", agent.data, kind="dumb") as terminal:
        terminal.wait_for("DOE JANE")
        assert "\x1b" not in terminal.raw
    agent.close()


def test_a_running_agent_is_not_said_to_be_away_at_first() -> None:
    """The first views come before an agent can have answered."""
    shown = view(row(1))
    said = lines(View(), View(), shown)
    assert "Model ovary-net" in said[1] and not any("No contact" in line for line in said)


def test_an_agent_that_does_not_answer_is_said_to_be_away(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.5, 2.5, 3.0])
    monkeypatch.setattr("edge.view.plain.time.monotonic", lambda: next(times))
    said = lines(View(), View(), View())
    assert said[1:] == ["NO CONTACT. No contact with an agent yet. Start one with: edge serve."]


@pytest.mark.parametrize("how", [[], ["--plain"], ["--json"]])
def test_a_folder_that_is_not_there_is_an_error_and_no_wait(how: list[str], tmp_path: Path) -> None:
    done = edge("watch", "--data", tmp_path / "typo", *how)
    assert done.returncode == 1 and f"there is no data folder {tmp_path / 'typo'}" in done.stderr
