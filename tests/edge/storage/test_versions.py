"""An instance that comes again under its UID: another header, encoding or image."""

import time
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import RLELossless

from edge.protocol.row import MIXED_STUDY, NEW_VERSION, SCORED
from scanside.image import Box
from tests.edge.conftest import MakeImage
from tests.edge.running import Row, RunningAgent, edge, listen, wait_for
from tests.synth.dicom import region

NEW = {"received_at", "latency_ms", "study_instance_uid"}  # what may differ when only the header does


def _send_again(agent: RunningAgent, dataset: pydicom.Dataset, path: Path, count: int = 1) -> list[Row]:
    since = max(row["received_at"] for row in agent.results(count))
    dataset.save_as(path)
    time.sleep(0.002)  # a later microsecond
    assert [sent.problem for sent in agent.send(path)] == [None]
    return wait_for(
        lambda: (
            [row for row in agent.results(count) if row["received_at"] > since and row["state"] != "pending"][
                :count
            ]
            or None
        ),
        "the row of the new content",
    )


def _rest(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in NEW}


def test_a_corrected_header_updates_identity_and_keeps_the_result(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    first = image(1, frames=3)
    agent.send(first)
    before = agent.results(3)
    picture = next(listen(agent.data))["rows"][-1]["preview"]
    corrected = pydicom.dcmread(first)
    corrected.PatientName, corrected.PatientID = "CORRECT^NAME", "ID-2"
    corrected.StudyInstanceUID = pydicom.uid.generate_uid()
    _send_again(agent, corrected, tmp_path / "corrected.dcm", 3)
    after = agent.results(3)
    assert list(map(_rest, after)) == list(map(_rest, before))  # assessed_at and timings too: no new run
    assert {row["study_instance_uid"] for row in after} == {corrected.StudyInstanceUID}
    shown = next(listen(agent.data))["rows"]
    assert {(row["patient_name"], row["patient_id"]) for row in shown} == {("CORRECT^NAME", "ID-2")}
    assert picture is not None and shown[-1]["preview"] == picture
    assert "the same image, its result remains" in agent.log and "CORRECT" not in agent.log


def test_another_encoding_without_loss_keeps_the_result(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    first = image(2)
    agent.send(first)
    before = agent.results(1)
    encoded = pydicom.dcmread(first)
    encoded.compress(RLELossless, generate_instance_uid=False)
    after = _send_again(agent, encoded, tmp_path / "rle.dcm")
    assert list(map(_rest, after)) == list(map(_rest, before))


@pytest.mark.parametrize("change", ["one pixel", "the region"])
def test_another_image_or_region_is_assessed_anew_and_flagged(
    change: str, agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    first = image(3)
    agent.send(first)
    (before,) = agent.results(1)
    other = pydicom.dcmread(first)
    if change == "one pixel":
        pixels = bytearray(other.PixelData)
        pixels[len(pixels) // 2] ^= 1
        other.PixelData = bytes(pixels)
    else:
        whole = Box(0, 0, other.Columns - 2, other.Rows - 2)
        other.SequenceOfUltrasoundRegions = [region(whole)]
    (after,) = _send_again(agent, other, tmp_path / "other.dcm")
    assert after["state"] == SCORED and after["assessed_at"] > before["assessed_at"]
    assert NEW_VERSION in after["flags"] and NEW_VERSION not in before["flags"]
    assert after["image_digest"] != before["image_digest"]


def test_a_study_under_another_patient_id_is_flagged_until_it_is_corrected(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    first, second = (pydicom.dcmread(image(number)) for number in (4, 5))
    second.StudyInstanceUID, second.PatientID = first.StudyInstanceUID, "SOMEBODY-ELSE"
    for number, dataset in enumerate((first, second)):
        dataset.save_as(tmp_path / f"{number}.dcm")
        agent.send(tmp_path / f"{number}.dcm")
        agent.results(number + 1)
    assert [MIXED_STUDY in row["flags"] for row in agent.results(2)] == [True, True]
    shown = next(listen(agent.data))["rows"]
    assert [MIXED_STUDY in row["flags"] for row in shown] == [True, True]
    assert {row["patient_id"] for row in shown} == {first.PatientID, "SOMEBODY-ELSE"}
    assert MIXED_STUDY in edge("results", "--data", agent.data, "--json").stdout
    assert MIXED_STUDY in agent.log

    second.PatientID = first.PatientID
    _send_again(agent, second, tmp_path / "corrected.dcm")
    assert [MIXED_STUDY in row["flags"] for row in agent.results(2)] == [False, False]


def test_viewers_are_told_when_an_earlier_row_of_a_study_is_flagged(
    agent: RunningAgent, image: MakeImage, tmp_path: Path
) -> None:
    first, second = (pydicom.dcmread(image(number)) for number in (6, 7))
    second.StudyInstanceUID, second.PatientID = first.StudyInstanceUID, "SOMEBODY-ELSE"
    agent.send(Path(str(first.filename)))
    agent.results(1)
    messages = listen(agent.data)
    assert next(messages)["event"] == "snapshot"
    second.save_as(tmp_path / "second.dcm")
    agent.send(tmp_path / "second.dcm")
    rows = next(message["rows"] for message in messages if message["event"] == "snapshot")
    (earlier,) = (row for row in rows if row["sop_instance_uid"] == first.SOPInstanceUID)
    assert MIXED_STUDY in earlier["flags"] and earlier["risk"] is not None
