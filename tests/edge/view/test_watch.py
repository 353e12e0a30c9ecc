"""`edge watch` on a real agent, in a real terminal and without one."""

import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from scanside import RESEARCH_USE
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import RunningAgent, edge, freeze
from tests.edge.view.terminal import in_terminal


def test_lives_in_a_terminal(start_agent: StartAgent, tmp_path: Path, image: MakeImage) -> None:
    with in_terminal("watch", "--data", tmp_path / "agent-0") as terminal:
        terminal.wait_for("No contact with an agent yet")
        agent = start_agent()
        terminal.wait_for("NO SCAN YET")
        agent.send(image(1))
        terminal.wait_for("Study so far: 1 slide")
        terminal.resize(120, 40)
        terminal.wait_for("Studies, newest first")  # which only a tall screen has
        agent.stop()
        terminal.wait_for("No contact with the agent since")
        terminal.type(b"keys\x03")
        assert terminal.end() == 0
    assert RESEARCH_USE.upper() in terminal.shown
    assert "Traceback" not in terminal.shown
    assert "keys" not in terminal.shown  # typed keys don't spoil the screen
    assert "\x1b[?1049l" in terminal.raw[-100:]  # and the old screen is given back


def test_a_stopped_agent_is_no_contact(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(image(1))
    agent.results(1)
    with in_terminal("watch", "--data", agent.data) as terminal:
        terminal.wait_for("Study so far")
        process = agent.pid("agent")
        assert process is not None
        freeze(process)
        try:
            terminal.wait_for("No contact with the agent since", timeout_s=10)
        finally:
            os.kill(process, signal.SIGCONT)
        terminal.wait_for("Study so far")


def test_unknown_clinical_facts(start_agent: StartAgent, clinical_bundle: Path, image: MakeImage) -> None:
    agent = start_agent(bundle=clinical_bundle)
    agent.send(image(1))
    agent.results(1)
    shown = edge("watch", "--once", "--data", agent.data).stdout
    for label in ("premenopausal, other centre", "postmenopausal, oncology centre"):
        assert label in shown


def test_a_fact_entered_by_key_narrows_the_risk_and_a_slide_gets_its_lesion(
    start_agent: StartAgent, clinical_bundle: Path, image: MakeImage
) -> None:
    agent = start_agent(bundle=clinical_bundle)
    agent.send(image(1))
    (before,) = agent.results(1)
    with in_terminal("watch", "--data", agent.data, width=100, height=36) as terminal:
        terminal.wait_for("Menopausal status: unknown")
        terminal.type(b"m2\r")
        terminal.wait_for("Menopausal status: postmenopausal, entered by")
        terminal.type(b"l1\r")
        terminal.wait_for("#1     highest")
        terminal.type(b"q")
        assert terminal.end() == 0
    (after,) = agent.results(1)
    assert (before["lesion"], after["lesion"]) == (None, 1)
    left = {case: risk for case, risk in before["risk_if"].items() if "postmenopausal" in case}
    assert 0 < len(left) < len(before["risk_if"])
    assert sorted(after["risk_if"].values()) == sorted(left.values())


def test_prints_a_line_for_each_result_without_a_terminal(agent: RunningAgent, image: MakeImage) -> None:
    command = [sys.executable, "-m", "edge.cli", "watch", "--data", str(agent.data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        agent.send(image(1), image(2))
        first = [process.stdout.readline() for _ in range(2)]
        lines: list[str] = []
        while len(lines) < 2:
            lines += [line] if "slide" in (line := process.stdout.readline()) and "Study" not in line else []
        process.terminate()
        assert process.wait(20) == 0
    assert first[0].strip() == RESEARCH_USE and "Model synthetic-test-network 1" in first[1]
    risks = {f"{100 * row['risk']:.0f} %" for row in agent.results(2)}
    assert {risk for line in lines for risk in re.findall(r"\d+ %", line)} == risks
    assert all(
        ("above the threshold" in line or "below the threshold" in line) and " ms" in line for line in lines
    )


def test_prints_the_screen_once(agent: RunningAgent, image: MakeImage) -> None:
    agent.send(image(1))
    agent.results(1)
    done = edge("watch", "--once", "--data", agent.data)
    assert done.returncode == 0
    assert RESEARCH_USE.upper() in done.stdout
    assert "Study so far: 1 slide" in done.stdout
    assert "\x1b" not in done.stdout


def test_saves_a_picture_that_fetches_nothing(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    agent.send(image(1))
    agent.results(1)
    file = tmp_path / "view.svg"
    assert edge("watch", "--svg", file, "--data", agent.data).returncode == 0
    drawn = re.sub(r'href="data:image/png;base64,[\w+/=]+"', "", file.read_text())
    assert ElementTree.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"
    assert drawn.count("http") == 1  # the name of the format
    assert "NOT&#160;FOR&#160;DIAGNOSIS" in drawn


def test_no_agent_is_an_error_for_a_single_look(tmp_path: Path) -> None:
    done = edge("watch", "--once", "--data", tmp_path)
    assert done.returncode == 1
    assert "edge serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_can_t_be_written_is_an_error(agent: RunningAgent, tmp_path: Path) -> None:
    done = edge("watch", "--svg", tmp_path / "no" / "view.svg", "--data", agent.data)
    assert done.returncode == 1
    assert "can't be written" in done.stderr
