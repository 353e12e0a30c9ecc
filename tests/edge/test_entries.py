"""What people enter: it reaches rows and figures, and outlasts whatever happens to the agent and its index."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.sockets.control import ask
from scanside.assess import Assessor
from scanside.bundle import load_bundle
from scanside.clinical import Centre, ClinicalRecord, MenopausalStatus
from scanside.scan.decode import open_instance
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import listen
from tests.synth.dicom import Patient

WHO = Patient(name="SYNTHETIC^ANNA", id="SYN-7", study="1.2.826.0.1.99")
OF_STUDY = {"do": "enter", "study": WHO.study, "patient": WHO.id, "by": "Dr. Example"}


def until(messages: Iterator[dict[str, Any]], event: str, **wanted: Any) -> dict[str, Any]:
    """The next `event` whose row or study has these values."""
    for message in messages:
        if message["event"] == event and wanted.items() <= message.get(event, message).items():
            return message.get(event, message)
    raise AssertionError("the agent hung up")


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
    assert [row["malignant"] for row in after] == [(top.risk or 0) >= 0.5 for top in given]
    assert [row["risk_if"] for row in after] == [{}, {}] and all(row["superseded"] for row in after)
    assert [row["timings_ms"] for row in after] == [row["timings_ms"] for row in rows]
    assert answer["study"]["risk"]["highest"] == max(row["risk"] for row in after)
    assert answer["study"]["why"] == "images may follow"
    status = answer["study"]["facts"]["menopausal_status"]
    assert status["source"].startswith("entered by Dr. Example at 20") and status["used"]
    told = until(messages, "row")
    assert told["risk"] == after[0]["risk"] and told["preview"] is None
    assert until(messages, "study") == answer["study"]
