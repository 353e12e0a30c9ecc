"""The contract: what is pushed is in `edge results`, and equal to what `edge assess` says of the file."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from edge.protocol.row import Row
from edge.view.percentage import percent_beside
from scanside.model.bundle import load_bundle
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import HOST, RunningAgent, edge, wait_for
from tests.synth.dicom import MAKERS, Patient, make_instance, save
from tests.synth.scans import Probe, make_frame

CONTRACT = {field.name for field in fields(Row)}
OF_THE_AGENT = {"source", "scanner", "slide", "received_at", "assessed_at", "latency_ms", "timings_ms"}


def test_echo(agent: RunningAgent) -> None:
    ae = AE()
    ae.add_requested_context(Verification)
    association = ae.associate(HOST, agent.port, ae_title="SCANSIDE")
    assert association.send_c_echo().Status == 0
    association.release()


def test_results_equal_assess(agent: RunningAgent, image: MakeImage, bundle: Path, tmp_path: Path) -> None:
    """Of every maker: other photometrics and transfer syntaxes."""
    patient = Patient()
    files = [image(3, maker=maker, patient=patient) for maker in MAKERS]
    assert [sent.problem for sent in agent.send(*files)] == [None] * len(MAKERS)
    rows = {row["sop_instance_uid"]: row for row in agent.results(len(MAKERS))}
    assert len(rows) == len(MAKERS)
    for row in rows.values():
        assert set(row) == CONTRACT
        assert row["state"] == "scored", row["reason"]
        assert 0 <= row["risk"] <= 1 and row["frame"] == 1
        assert row["above_threshold"] == (row["risk"] >= 0.5)
        assert row["study_instance_uid"] == patient.study
        assert row["bundle_digest"] == load_bundle(bundle, allow_test_only=True).digest
        assert row["class_probabilities"]["malignant"] == pytest.approx(row["risk"])
        assert row["received_at"] < row["assessed_at"] and row["latency_ms"] > 0

    done = edge("assess", *files, "--json", "--bundle", bundle, "--allow-test-bundle", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for assessed in json.loads(done.stdout):
        assert set(assessed) == CONTRACT
        row = rows.pop(assessed["sop_instance_uid"])
        assert {k: v for k, v in assessed.items() if k not in OF_THE_AGENT} == {
            k: v for k, v in row.items() if k not in OF_THE_AGENT
        }
    assert not rows


def test_views_side_by_side_are_scans_of_their_own(bundle: Path, tmp_path: Path) -> None:
    """No region says that there are two."""
    frame = np.hstack([make_frame(seed, probe=Probe.CURVED).pixels for seed in (1, 2)])
    file = save(make_instance([frame]), tmp_path / "two.dcm")
    done = edge("assess", file, "--json", "--bundle", bundle, "--allow-test-bundle", cwd=tmp_path)
    (row,) = json.loads(done.stdout)
    assert (row["state"], row["scans"], row["skipped"], row["found_by"]) == ("scored", 2, [], "contour")


def test_results_command_while_the_agent_runs(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    agent.send(image(1), image(2))
    rows = agent.results(2)
    done = edge("results", "--data", agent.data, "--json", cwd=tmp_path)
    assert (
        done.returncode == 0
        and [
            {key: value for key, value in row.items() if not key.startswith("patient_")}
            for row in json.loads(done.stdout)
        ]
        == rows
    )
    table = edge("results", "--data", agent.data, cwd=tmp_path)
    assert "Research use only" in table.stdout
    for row in rows:
        assert percent_beside(row["risk"], row["threshold"]) in table.stdout


def test_cine_gives_evenly_spaced_frames(
    start_agent: StartAgent, image: MakeImage, bundle: Path, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("cine_frames = 3\n")
    agent = start_agent("--config", str(config))
    long, short = image(10, frames=9), image(30, frames=2)
    agent.send(long, short)
    rows = agent.results(5)
    by_instance: dict[str, list[int]] = {}
    for row in rows:
        by_instance.setdefault(row["sop_instance_uid"], []).append(row["frame"])
    assert sorted(by_instance.values()) == [[1, 2], [1, 5, 9]]
    arguments = ("--json", "--config", config, "--bundle", bundle, "--allow-test-bundle")
    assessed = json.loads(edge("assess", long, short, *arguments, cwd=tmp_path).stdout)
    key = "sop_instance_uid", "frame", "state", "risk"
    assert {tuple(r[k] for k in key) for r in assessed} == {tuple(r[k] for k in key) for r in rows}


def test_unknown_clinical_facts_give_a_risk_for_each(
    start_agent: StartAgent, image: MakeImage, clinical_bundle: Path
) -> None:
    agent = start_agent(bundle=clinical_bundle)
    agent.send(image(3))
    (row,) = agent.results(1)
    assert (row["state"], row["risk"], row["above_threshold"]) == ("scored", None, None)
    assert len(row["risk_if"]) == 4 and len(set(row["risk_if"].values())) == 4
    assert "postmenopausal, oncology centre" in row["risk_if"]


def test_the_same_instance_again_gives_no_second_result(agent: RunningAgent, image: MakeImage) -> None:
    file = image(4)
    agent.send(file)
    before = agent.results(1)
    assert [sent.problem for sent in agent.send(file)] == [None]
    agent.send(image(5))  # what was sent before it has been dealt with once this has its result
    after = agent.results(2)
    assert before[0] in after and len(list((agent.data / "spool").glob("*.dcm"))) == 2
    wait_for(lambda: agent.health()["queue"] == 0, "an empty queue")


def test_other_content_under_the_same_uid_is_assessed_anew(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    import pydicom

    first, second = image(6), pydicom.dcmread(image(7))
    agent.send(first)
    (before,) = agent.results(1)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = before["sop_instance_uid"]
    changed = tmp_path / "changed.dcm"
    second.save_as(changed)
    agent.send(changed)
    wait_for(lambda: agent.results(1)[0]["received_at"] > before["received_at"], "the new content's row")
    (after,) = agent.results(1)
    assert after["state"] == "scored" and after["risk"] != before["risk"]
    assert len(list((agent.data / "spool").glob("*.dcm"))) == 1
