"""What people enter reaches rows, figures and views, and outlasts whatever happens to the agent."""

import grp
import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.sockets.control import ask, by
from edge.view.percentage import percent_beside
from scanside.assess.assessor import Assessor
from scanside.errors import ScansideError
from scanside.facts import Centre, ClinicalRecord, MenopausalStatus
from scanside.model.bundle import load_bundle
from scanside.scan.instance import open_instance
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import edge, listen, wait_for
from tests.synth.dicom import Patient

WHO = Patient(name="SYNTHETIC^ANNA", id="SYN-7", study="1.2.826.0.1.99")
OF_STUDY = {"do": "enter", "study": WHO.study, "patient": WHO.id, "by": "Dr. Example"}


def until(messages: Iterator[dict[str, Any]], event: str, **wanted: Any) -> dict[str, Any]:
    """The next `event` whose row or study has these values."""
    for message in messages:
        if message["event"] == event and wanted.items() <= message.get(event, message).items():
            return message.get(event, message)
    raise AssertionError("the agent hung up")


def asked(data: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer of an agent, if one is there by now."""
    try:
        return ask(data, request)
    except ScansideError:
        return None


def test_a_fact_picks_the_risk_that_the_network_gave(
    start_agent: StartAgent, image: MakeImage, clinical_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "edge.toml").write_text('centre = "oncology centre"\n')
    agent = start_agent("--config", str(tmp_path / "edge.toml"), bundle=clinical_bundle)
    files = [image(seed, patient=WHO) for seed in (3, 4)]
    agent.send(*files)
    rows = agent.results(2)
    assert all(set(row["risk_if"]) == {"premenopausal", "postmenopausal"} for row in rows)
    assert [row["facts"] for row in rows] == [{"centre": "oncology centre"}] * 2
    messages = listen(agent.data)
    (study,) = next(messages)["studies"]
    assert study["why"] == "menopausal status is unknown; images may follow"
    assert study["risk"]["risk_if_unknown"] and study["facts"]["centre"]["source"] == "settings"

    answer = ask(agent.data, {**OF_STUDY, "fact": "menopausal_status", "value": "postmenopausal"})
    assert answer is not None
    assessor = Assessor(load_bundle(clinical_bundle, allow_test_only=True))
    record = ClinicalRecord(MenopausalStatus.POST, Centre.ONCOLOGY)
    given = [assessor.assess(open_instance(file), record=record).top for file in files]
    after = agent.results(2)
    assert [row["risk"] for row in after] == [top.risk for top in given]  # to the last bit
    assert [row["class_probabilities"] for row in after] == [top.class_probabilities for top in given]
    assert [row["above_threshold"] for row in after] == [(top.risk or 0) >= 0.5 for top in given]
    assert [row["risk_if"] for row in after] == [{}, {}] and all(row["superseded"] for row in after)
    assert [row["timings_ms"] for row in after] == [row["timings_ms"] for row in rows]
    assert answer["study"]["risk"]["highest"] == max(row["risk"] for row in after)
    assert answer["study"]["why"] == "images may follow"
    status = answer["study"]["facts"]["menopausal_status"]
    assert status["source"].startswith(f"entered by Dr. Example (account {by()}) at 20") and status["used"]
    told = until(messages, "row", superseded=True)
    assert told["risk"] == after[0]["risk"] and told["preview"] is None
    assert until(messages, "study") == answer["study"]


def test_an_exam_with_entries(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")  # no cell of a table is folded
    group = grp.getgrgid(os.getgid()).gr_name
    (tmp_path / "edge.toml").write_text(f'final_after_s = 1\nwatch_group = "{group}"\n')
    agent = start_agent("--config", str(tmp_path / "edge.toml"))
    agent.send(image(3, patient=WHO), image(4, frames=2, patient=WHO), image(5))
    first = next(
        row["sop_instance_uid"] for row in agent.results(4) if row["study_instance_uid"] == WHO.study
    )
    modes = {
        name: stat.S_IMODE((agent.data / name).stat().st_mode) for name in ("", "watch.sock", "control.sock")
    }
    assert modes == {"": 0o710, "watch.sock": 0o660, "control.sock": 0o600}
    messages = listen(agent.data)
    studies = {study["patient_id"]: study for study in next(messages)["studies"]}
    assert len(studies) == 2 and studies["SYN-7"]["risk"]["slides"] == 3
    if studies["SYN-7"]["state"] == "provisional":
        assert until(messages, "study", patient_id="SYN-7", state="final")["why"] is None

    about = ("enter", "--data", agent.data, "--study", WHO.study, "--by", "Dr. Example")
    done = edge(*about, "leave-out", first, "--reason", "the bladder")
    assert done.returncode == 0 and "final; 2 slides, highest" in done.stdout, done.stderr
    assert edge(*about, "side", first, "middle").returncode == 1
    refused = edge(*about, "dispute", "1.2.3", "--reason", "why")
    assert refused.returncode == 1 and "no such slide" in refused.stderr
    assert until(messages, "row", sop_instance_uid=first)["left_out"] is True
    assert until(messages, "study", patient_id="SYN-7")["risk"]["left_out"] == 1
    assert edge(*about, "lesion", first, "10").returncode == 1
    done = edge(*about, "--json", "lesion", first, "2")
    assert done.returncode == 0 and json.loads(done.stdout)["lesions"] == {}, done.stderr  # it is left out
    assert until(messages, "row", sop_instance_uid=first, lesion=2)["left_out_reason"] == "the bladder"

    os.kill(agent.pid("agent") or 0, signal.SIGKILL)
    disputed = {**OF_STUDY, "instance": first, "frame": 1, "disputed": "a cyst"}
    answer = wait_for(lambda: asked(agent.data, disputed), "the agent process again")
    assert answer is not None and answer["study"]["risk"]["left_out"] == 1
    assert agent.stop() == 0
    for path in agent.data.glob("results.sqlite*"):
        path.unlink()
    assert "3 instances and 3 entries indexed" in edge("rebuild", "--data", agent.data).stdout
    agent.start()
    row = next(row for row in agent.results(4) if row["sop_instance_uid"] == first)
    assert (row["left_out"], row["disputed"], row["superseded"]) == (True, "a cyst", False)
    assert (row["lesion"], row["left_out_reason"]) == (2, "the bladder")

    assert agent.stop() == 0
    done = edge(*about, "--json", "take-in", first)
    study = json.loads(done.stdout)
    assert (study["risk"]["slides"], study["risk"]["disputed"], study["state"]) == (3, 1, "final")
    lesion = study["lesions"]["2"]["risk"]
    assert (lesion["slides"], lesion["disputed"], lesion["highest_slide"]) == (1, 1, [first, 1])
    listed = json.loads(edge("results", "--data", agent.data, "--studies", "--json").stdout)
    assert [one for one in listed if one["patient_id"] == "SYN-7"] == [study]
    table = edge("results", "--data", agent.data, "--studies").stdout
    assert "Research use only" in table and "1 disputed" in table and "final" in table
    number = study["risk"]["highest_slide_number"]
    assert f"on slide {number}, mean" in table and study["slides"] == 3
    assert f"lesion 2  highest {percent_beside(row['risk'], row['threshold'])}" in table
    slides = edge("results", "--data", agent.data).stdout
    assert "disputed:" in slides and "lesion 2" in slides and "left out" not in slides
