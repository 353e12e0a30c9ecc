"""A model that is updated while studies are open: each ends under the model that it began with."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID, generate_uid

from edge.storage.bundles import KeptBundles
from scanside.image import Size
from scanside.model.bundle import NETWORK, load_bundle
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import RunningAgent, edge, listen, wait_for
from tests.synth.bundle import make_bundle
from tests.synth.dicom import Patient

CLOSES_SOON = "study_open_h = 0.0003\n"  # after about a second


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network than that of `bundle`, with other risks."""
    return make_bundle(
        tmp_path_factory.mktemp("newer-bundle"), clinical=False, size=Size(96, 144), version="2"
    )


def digest(bundle: Path) -> str:
    return load_bundle(bundle, allow_test_only=True).digest


def of(study: UID) -> Patient:
    return Patient(study=study)


def scored_by(agent: RunningAgent, count: int) -> list[str]:
    rows = agent.results(count)
    assert all(row["state"] == "scored" for row in rows)
    return [row["bundle_digest"] for row in rows]


def kept(agent: RunningAgent) -> set[str]:
    return {path.name for path in (agent.data / "bundles").iterdir()}


def whys(agent: RunningAgent) -> list[Any]:
    done = edge("results", "--studies", "--json", "--data", agent.data)
    return [study["why"] for study in json.loads(done.stdout)]


def test_an_open_study_ends_under_its_model_and_the_next_one_gets_the_new_model(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage
) -> None:
    old, new = digest(bundle), digest(newer)
    study, other = generate_uid(), generate_uid()
    agent = start_agent()
    agent.send(image(1, patient=of(study)))
    assert scored_by(agent, 1) == [old] and kept(agent) == {old}
    agent.update(newer)
    agent.send(image(2, patient=of(study)), image(3, patient=of(other)))
    assert scored_by(agent, 3) == [old, old, new] and kept(agent) == {old, new}
    assert not any("different models" in (why or "") for why in whys(agent))

    status = agent.status()
    assert [model["digest"] for model in status["agent"]["models"]] == [new, old]
    assert status["processes"]["second_worker"]["pid"] != status["processes"]["worker"]["pid"]
    said = f"open studies go on under synthetic-test-network 1 ({old[:12]}), new ones get"
    assert any(warning.startswith(said) for warning in status["warnings"])
    told = edge("status", "--data", agent.data).stdout
    assert f"synthetic-test-network 2 ({new[:12]}): of new studies" in told
    assert f"synthetic-test-network 1 ({old[:12]}): of open studies that began under it" in told
    health = edge("health", "--data", agent.data)
    assert health.returncode == 0 and said in health.stdout

    modes = {path: path.stat().st_mode & 0o777 for path in (agent.data / "bundles").rglob("*")}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
    assert "Traceback" not in agent.log


def test_the_live_view_shows_the_risk_of_an_open_study_under_its_own_model(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("LINES", "48")
    study = generate_uid()
    agent = start_agent()
    agent.send(image(1, patient=of(study)))
    agent.results(1)
    agent.update(newer)
    snapshot = next(listen(agent.data))
    assert [model["digest"] for model in snapshot["open_models"]] == [digest(bundle)]
    agent.send(image(2, patient=of(study)))
    agent.results(2)
    shown = edge("watch", "--once", "--data", agent.data).stdout
    assert "OTHER MODEL" not in shown and "another model" not in shown
    assert f"Model synthetic-test-network 1 · {digest(bundle)[:12]}" in shown
    assert "Study so far: 2 slides" in shown and "the threshold of 50 %" in shown


def test_a_study_that_is_over_goes_on_under_the_new_model_and_is_scored_again(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage, tmp_path: Path
) -> None:
    old, new = digest(bundle), digest(newer)
    study, config = generate_uid(), tmp_path / "edge.toml"
    config.write_text(CLOSES_SOON)
    agent = start_agent("--config", str(config))
    agent.send(image(1, patient=of(study)))
    before = agent.results(1)[0]
    uid = before["sop_instance_uid"]
    assert edge("enter", "--data", agent.data, "--study", study, "lesion", uid, "2").returncode == 0
    agent.update(newer)
    assert kept(agent) == {new}  # nothing needs the other any more
    agent.send(image(2, patient=of(study)))
    assert scored_by(agent, 2) == [old, new]
    assert "different models" in whys(agent)[0]

    refused = edge("rescore", "--data", agent.data, "--study", study)
    assert refused.returncode == 1 and "without a terminal, say --yes" in refused.stderr
    assert f"2 slides of 1 study would be scored again with synthetic-test-network 2 ({new[:12]})" in (
        refused.stderr
    )
    assert scored_by(agent, 2) == [old, new]
    unknown = edge("rescore", "--data", agent.data, "--study", "1.2.3", "--yes")
    assert unknown.returncode == 1 and "no results of study 1.2.3" in unknown.stderr

    done = edge("rescore", "--data", agent.data, "--study", study, "--yes", "--json")
    assert json.loads(done.stdout) == {"studies": 1, "slides": 2, "left": 0}
    wait_for(lambda: scored_by(agent, 2) == [new, new], "the new results")
    after = agent.results(2)[0]
    assert (after["sop_instance_uid"], after["slide"], after["lesion"]) == (uid, before["slide"], 2)
    assert after["received_at"] == before["received_at"] and after["latency_ms"] is None
    assert after["risk"] != before["risk"] and after["superseded"]
    assert after["flags"] == before["flags"]
    assert "different models" not in (whys(agent)[0] or "")
    trail = "".join(path.read_text() for path in (agent.data / "audit").glob("*.jsonl"))
    assert trail.count("2 slides are scored again") == 1 and trail.count('"110104"') == 2
    assert edge("audit", "verify", "--data", agent.data).returncode == 0


def test_all_since_a_time_is_scored_again_at_the_next_start_where_no_agent_runs(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage
) -> None:
    agent = start_agent()
    agent.send(image(1), image(2, frames=3), image(3))
    assert set(scored_by(agent, 5)) == {digest(bundle)}
    assert agent.stop() == 0
    done = edge("rescore", "--data", agent.data, "--since", "1h", "--yes")
    assert done.stdout == "5 slides of 3 studies are scored again at the agent's next start.\n"
    assert {row["state"] for row in agent.results()} == {"pending"}
    agent.use(newer)
    agent.start()
    assert set(scored_by(agent, 5)) == {digest(newer)}
    assert edge("rescore", "--data", agent.data, "--since", "2200-01-01", "--yes").returncode == 1


def test_a_damaged_copy_is_said_and_the_present_model_scores(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage
) -> None:
    old, new = digest(bundle), digest(newer)
    study = generate_uid()
    agent = start_agent()
    agent.send(image(1, patient=of(study)))
    agent.results(1)
    network = agent.data / "bundles" / old / NETWORK
    network.write_bytes(network.read_bytes()[:-1] + b"\0")
    agent.update(newer)
    said = f"their model {old[:12]} can't be used"
    assert said in edge("health", "--data", agent.data).stdout  # before an image needs it
    agent.send(image(2, patient=of(study)))
    assert scored_by(agent, 2) == [old, new]
    assert said in str(agent.status()["warnings"]) and "was altered" in str(agent.status()["warnings"])
    assert [model["digest"] for model in agent.status()["agent"]["models"]] == [new]
    doctor = edge("doctor", "--data", agent.data, "--bundle", newer, "--allow-test-bundle")
    assert doctor.returncode == 1 and "✗ kept models" in doctor.stdout


def test_a_copy_that_no_trusted_key_signed_is_not_used(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage, tmp_path: Path
) -> None:
    pytest.importorskip(
        "cryptography", reason="cryptography is not installed: pip install 'scanside[signing]'"
    )
    from export.sign import keygen, sign

    study, config, signed = generate_uid(), tmp_path / "edge.toml", {}
    for name, unsigned in (("former", bundle), ("present", newer)):
        signed[name] = shutil.copytree(unsigned, tmp_path / name)
        keygen(tmp_path / f"{name}.key")
        sign(signed[name], tmp_path / f"{name}.key")
    keys = {name: str(tmp_path / f"{name}.key.pub") for name in signed}
    config.write_text(f"trusted_keys = ['{keys['former']}', '{keys['present']}']\n")
    agent = start_agent("--config", str(config), bundle=signed["former"])
    agent.send(image(1, patient=of(study)))
    agent.results(1)
    agent.update(signed["present"])
    agent.send(image(2, patient=of(study)))
    assert scored_by(agent, 2) == [digest(bundle)] * 2  # both are trusted
    config.write_text(f"trusted_keys = ['{keys['present']}']\n")
    agent.update(signed["present"])
    agent.send(image(3, patient=of(study)))
    assert scored_by(agent, 3) == [digest(bundle)] * 2 + [digest(newer)]
    assert "not among trusted_keys" in str(agent.status()["warnings"])


# Python imports it at the start of each process: a copy of a bundle ends at one of its files.
_HANGS = """
import time
from edge.storage import bundles
write = bundles.write_file
def hang(path, content):
    while path.name == "golden.npz":
        time.sleep(1)
    write(path, content)
bundles.write_file = hang
"""


def test_a_kill_while_a_bundle_is_copied_leaves_nothing_half(
    start_agent: StartAgent, newer: Path, tmp_path: Path
) -> None:
    agent = start_agent()
    assert agent.stop() == 0
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(_HANGS)
    words = ["serve", "--port", "0", "--data", agent.data, "--bundle", newer, "--allow-test-bundle"]
    paths = os.pathsep.join([str(tmp_path / "hook"), os.environ.get("PYTHONPATH", ""), *sys.path[:1]])
    started = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, words)],
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
    )
    part = agent.data / "bundles" / f"{digest(newer)}.part"
    wait_for(lambda: list(part.glob("*")), "the first files of the copy")
    assert digest(newer) not in kept(agent)
    started.kill()
    started.wait()
    agent.use(newer)
    agent.start()
    assert kept(agent) == {digest(newer)}
    KeptBundles(agent.data, allow_test_only=True).load(digest(newer))


def test_a_second_worker_that_is_killed_is_started_again(
    start_agent: StartAgent, bundle: Path, newer: Path, image: MakeImage
) -> None:
    study = generate_uid()
    agent = start_agent()
    agent.send(image(1, patient=of(study)))
    agent.results(1)
    agent.update(newer)
    agent.send(image(2, patient=of(study)))
    agent.results(2)
    os.kill(agent.pid("second_worker") or 0, signal.SIGKILL)
    agent.send(image(3, patient=of(study)))
    assert scored_by(agent, 3) == [digest(bundle)] * 3
    assert agent.status()["quarantined"] == 0 and agent.stop() == 0
