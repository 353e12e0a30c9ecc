"""The agent runs in the next runtime only if the settings list it, and says so."""

from pathlib import Path

import pytest

from edge.settings import Settings, load
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import edge
from tests.edge.view.messages import rendered, row, view


def settings(folder: Path, runtimes: str) -> Path:
    """A settings file; no engine lies beside it, so TensorRT refuses wherever this runs."""
    path = folder / "edge.toml"
    path.write_text(f"runtimes = {runtimes}\nengines = '{folder / 'none'}'\n")
    return path


def audit_trail(data: Path) -> list[str]:
    return [line for path in (data / "audit").glob("*.jsonl") for line in path.read_text().splitlines()]


def test_a_fallback_is_said_and_scores(start_agent: StartAgent, image: MakeImage, tmp_path: Path) -> None:
    agent = start_agent("--config", str(settings(tmp_path, '["tensorrt:fp16", "onnxruntime"]')))
    health = agent.health()
    assert health["runtime"].startswith("ONNX Runtime")
    assert health["runtime_note"].startswith("tensorrt:fp16: ")
    assert "not in tensorrt:fp16" in agent.log
    agent.send(image(1))
    assert [result["state"] for result in agent.results(1)] == ["scored"]
    (alert,) = [said for said in audit_trail(agent.data) if "Security Alert" in said]
    assert "fallback to ONNX Runtime" in alert and "not tensorrt:fp16: " in alert


def test_without_a_fallback_nothing_is_scored(start_agent: StartAgent, tmp_path: Path) -> None:
    agent = start_agent("--config", str(settings(tmp_path, '["tensorrt:fp16"]')), state="not scoring")
    assert agent.health()["runtime"] is None


def test_scoring_files_says_it_too(bundle: Path, image: MakeImage, tmp_path: Path) -> None:
    options = ["--bundle", bundle, "--allow-test-bundle", "--json", "--config"]
    done = edge("assess", image(1), *options, settings(tmp_path, '["tensorrt:fp32", "onnxruntime"]'))
    assert done.returncode == 0 and "edge: not used: tensorrt:fp32: " in done.stderr
    assert edge("assess", image(1), *options, settings(tmp_path, '["tensorrt:fp32"]')).returncode == 2


def test_the_screen_shows_a_fallback_and_nothing_without_one() -> None:
    note = {"runtime": "ONNX Runtime 1.23.2, CPU", "runtime_note": "tensorrt:fp16: no engine fits"}
    fallen = "\n".join(rendered(view(row(), agent=note), width=200))
    assert "fallback to ONNX Runtime 1.23.2, CPU" in fallen and "tensorrt:fp16: no engine fits" in fallen
    assert "fallback to ONNX Runtime 1.23.2, CPU" in "\n".join(rendered(view(row(), agent=note), width=80))
    assert "fallback" not in "\n".join(rendered(view(row()), width=200))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('["cuda"]', "'cuda' is unknown"),
        ("[]", "at least one"),
        ('["onnxruntime", "onnxruntime"]', "each of them once"),
        ('"onnxruntime"', "a list of texts"),
    ],
)
def test_settings_that_are_none(line: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=why):
        load(settings(tmp_path, line), {})


def test_engines_lie_in_the_data_folder_unless_said(tmp_path: Path) -> None:
    assert Settings(data=tmp_path).runtime_options.engines == tmp_path / "engines"
    assert Settings(engines=tmp_path).runtime_options.engines == tmp_path
