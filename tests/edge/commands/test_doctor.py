"""`edge doctor` finds what would keep the agent from starting, before it is started."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from scanside.model.bundle import NETWORK
from tests.edge.running import HOST, RunningAgent, edge


def _findings(*options: object) -> tuple[int, dict[str, dict[str, Any]]]:
    done = edge("doctor", "--json", "--allow-test-bundle", *map(str, options))
    assert "Traceback" not in done.stderr
    return done.returncode, {found["what"]: found for found in json.loads(done.stdout)["findings"]}


def _config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(text)
    return path


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def test_a_machine_that_is_well_is_said_to_be(bundle: Path, tmp_path: Path) -> None:
    config = _config(tmp_path, f"port = {_free_port()}\n")
    code, found = _findings("--config", config, "--data", tmp_path / "data", "--bundle", bundle)
    assert code == 0 and all(one["well"] for one in found.values()), found
    assert not (tmp_path / "data").exists()  # it looks, and changes nothing


def test_a_running_agent_has_its_port(agent: RunningAgent, bundle: Path) -> None:
    code, found = _findings("--data", agent.data, "--bundle", bundle)
    assert code == 0 and f"port {agent.port}" in found["port"]["text"]


@pytest.mark.parametrize(
    ("settings", "what", "says"),
    [
        ("por = 1\n", "settings", "unknown setting 'por'"),
        ("", "settings", "holds no setting"),
        ("min_free_mb = 1048576\n", "disk", "nothing is received"),
        ("watch_group = 'nobody-has-this-group'\n", "groups", "there is no group"),
        ("tls_certificate = 'missing.pem'\n", "certificates", "set all three"),
        ("host = '0.0.0.0'\n", "scanners", "knows nobody there"),
    ],
)
def test_what_is_wrong_is_named(settings: str, what: str, says: str, bundle: Path, tmp_path: Path) -> None:
    config = _config(tmp_path, settings)
    code, found = _findings("--config", config, "--data", tmp_path / "data", "--bundle", bundle)
    assert code == 1 and not found[what]["well"] and says in found[what]["text"]


def test_control_characters_of_a_settings_file_are_not_printed(tmp_path: Path) -> None:
    config = _config(tmp_path, '"\\u001b[2J\\u202ekey" = 1\n')
    told = edge("doctor", "--config", config, "--data", tmp_path / "data")
    assert told.returncode == 1 and "unknown setting" in told.stdout
    assert "\x1b" not in told.stdout and "\u202e" not in told.stdout


def test_a_port_that_is_taken_and_a_damaged_bundle_are_named(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle, copy)
    (copy / NETWORK).write_bytes(b"cut")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        config = _config(tmp_path, f"port = {taken.getsockname()[1]}\n")
        code, found = _findings("--config", config, "--data", tmp_path / "data", "--bundle", copy)
    assert code == 1
    assert "can't listen" in found["port"]["text"] and NETWORK in found["bundle"]["text"]
    told = edge("doctor", "--data", tmp_path / "data", "--bundle", copy)
    assert told.returncode == 1 and "✗ bundle" in told.stdout
