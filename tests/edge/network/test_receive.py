"""Receiving: what is accepted, what is kept of it, and when success is said."""

import os
import re
import signal
import socket
import time
from pathlib import Path

import pydicom
import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.uid import MPEG2MPML, ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid
from pynetdicom import AE, AllStoragePresentationContexts
from pynetdicom.association import Association

from edge.network.receive import OUT_OF_RESOURCES, SUCCESS
from edge.protocol.row import NOT_SCORED, SCORED
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import HOST, RunningAgent, freeze, wait_for
from tests.synth.dicom import MAKERS

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
ULTRASOUND_MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.3.1"
RETIRED = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
SYNTAXES = {
    "implicit": "1.2.840.10008.1.2",
    "explicit": "1.2.840.10008.1.2.1",
    "deflated": "1.2.840.10008.1.2.1.99",
    "big endian": "1.2.840.10008.1.2.2",
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG extended": "1.2.840.10008.1.2.4.51",
    "JPEG lossless": "1.2.840.10008.1.2.4.57",
    "JPEG lossless SV1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS lossless": "1.2.840.10008.1.2.4.80",
    "JPEG-LS": "1.2.840.10008.1.2.4.81",
    "JPEG 2000 lossless": "1.2.840.10008.1.2.4.90",
    "JPEG 2000": "1.2.840.10008.1.2.4.91",
    "HTJ2K lossless": "1.2.840.10008.1.2.4.201",
    "HTJ2K": "1.2.840.10008.1.2.4.203",
    "MPEG2": "1.2.840.10008.1.2.4.100",
    "MPEG4": "1.2.840.10008.1.2.4.102",
    "HEVC": "1.2.840.10008.1.2.4.107",
}


def _associate(
    agent: RunningAgent, *contexts: tuple[str, list[str]], calling: str = "SCANNER"
) -> Association:
    ae = AE(calling)
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, syntaxes)
    association = ae.associate(HOST, agent.port, ae_title="SCANSIDE")
    assert association.is_established
    return association


def _status(association: Association, dataset: pydicom.Dataset) -> int:
    return int(association.send_c_store(dataset).Status)


def test_every_syntax_alone_is_accepted(agent: RunningAgent) -> None:
    classes = (ULTRASOUND, ULTRASOUND_MULTI_FRAME, *RETIRED)
    contexts = [(sop_class, [syntax]) for sop_class in classes for syntax in SYNTAXES.values()]
    association = _associate(agent, *contexts)
    accepted = {(c.abstract_syntax, c.transfer_syntax[0]) for c in association.accepted_contexts}
    association.release()
    assert accepted == {(sop_class, syntax) for sop_class, (syntax,) in contexts}


def test_every_storage_class_is_accepted(agent: RunningAgent) -> None:
    classes = [context.abstract_syntax for context in AllStoragePresentationContexts]
    for first in range(0, len(classes), 128):
        part = classes[first : first + 128]
        association = _associate(agent, *((uid, [ExplicitVRLittleEndian]) for uid in part))
        assert len(association.accepted_contexts) == len(part)
        association.release()


def test_lossless_is_preferred_when_several_are_offered(agent: RunningAgent) -> None:
    association = _associate(agent, (ULTRASOUND, [JPEGBaseline8Bit, ExplicitVRLittleEndian]))
    assert association.accepted_contexts[0].transfer_syntax == [ExplicitVRLittleEndian]
    association.release()


def test_retired_classes_are_scored(agent: RunningAgent, image: MakeImage) -> None:
    for number, sop_class in enumerate(RETIRED):
        dataset = pydicom.dcmread(image(1 + number))
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
        association = _associate(agent, (sop_class, [dataset.file_meta.TransferSyntaxUID]))
        assert _status(association, dataset) == SUCCESS
        association.release()
    assert [row["state"] for row in agent.results(len(RETIRED))] == [SCORED] * len(RETIRED)


def test_the_spool_holds_what_was_received_and_who_sent_it(agent: RunningAgent, image: MakeImage) -> None:
    dataset = pydicom.dcmread(image(2))
    syntax = dataset.file_meta.TransferSyntaxUID
    association = _associate(agent, (ULTRASOUND, [syntax]), calling="ROOM3-US")
    assert _status(association, dataset) == SUCCESS
    association.release()
    (path,) = (agent.data / "spool").glob("*.dcm")
    sent = DicomBytesIO()
    sent.is_implicit_VR, sent.is_little_endian = syntax.is_implicit_VR, syntax.is_little_endian
    pydicom.filewriter.write_dataset(sent, dataset)
    assert path.read_bytes().endswith(sent.getvalue())
    meta = pydicom.dcmread(path).file_meta
    assert meta.SourceApplicationEntityTitle == meta.SendingApplicationEntityTitle == "ROOM3-US"
    assert meta.ReceivingApplicationEntityTitle == "SCANSIDE"
    assert meta.SourcePresentationAddress.startswith(f"dicom://{HOST}:")
    assert meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_hostile_uid_names_no_file_and_stays_one_line_in_the_log(
    agent: RunningAgent, image: MakeImage
) -> None:
    uids = ["../../../outside", "1.2/../3", "a b\x1b[31m", "9" * 64]
    dataset = pydicom.dcmread(image(3))
    association = _associate(agent, (ULTRASOUND, [dataset.file_meta.TransferSyntaxUID]))
    with pydicom.config.disable_value_validation():
        for uid in uids:
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
            assert _status(association, dataset) == SUCCESS
    association.release()
    rows = agent.results(len(uids))
    assert [row["sop_instance_uid"] for row in rows] == uids
    assert {row["state"] for row in rows} == {SCORED}
    assert {path.name for path in agent.data.iterdir() if path.is_dir()} == {"spool", "audit", "bundles"}
    names = [path.name for path in (agent.data / "spool").glob("*.dcm")]
    assert len(names) == len(uids) and all(re.fullmatch(r"[0-9a-f]{64}\.dcm", name) for name in names)
    assert "\x1b" not in agent.log


def test_a_failed_write_is_answered_and_the_agent_goes_on(agent: RunningAgent, image: MakeImage) -> None:
    first, second = pydicom.dcmread(image(4)), pydicom.dcmread(image(5))
    association = _associate(agent, (ULTRASOUND, [first.file_meta.TransferSyntaxUID]))
    spool = agent.data / "spool"
    spool.rename(agent.data / "away")
    assert _status(association, first) == OUT_OF_RESOURCES
    (agent.data / "away").rename(spool)
    assert _status(association, second) == SUCCESS
    assert [row["sop_instance_uid"] for row in agent.results(1)] == [second.SOPInstanceUID]
    assert _status(association, first) == SUCCESS
    association.release()
    assert len(agent.results(2)) == 2


def test_success_does_not_wait_for_the_inference(agent: RunningAgent, image: MakeImage) -> None:
    (worker,) = agent.workers()
    freeze(worker)
    agent.send(image(6))  # returns: the answer came
    wait_for(lambda: agent.results(), "a row")
    time.sleep(0.5)
    assert [row["state"] for row in agent.results()] == ["pending"]
    os.kill(worker, signal.SIGCONT)
    assert agent.results(1)[0]["state"] == SCORED


def test_video_and_other_objects_are_taken_and_not_scored(agent: RunningAgent, image: MakeImage) -> None:
    video = pydicom.dcmread(image(7, maker=MAKERS[2]))
    video.file_meta.TransferSyntaxUID = MPEG2MPML
    report = pydicom.Dataset()
    report.file_meta = pydicom.dataset.FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", generate_uid()
    report.StudyInstanceUID = generate_uid()
    association = _associate(
        agent, (video.SOPClassUID, [MPEG2MPML]), (report.SOPClassUID, [ExplicitVRLittleEndian])
    )
    assert [_status(association, video), _status(association, report)] == [SUCCESS, SUCCESS]
    association.release()
    rows = {row["sop_instance_uid"]: row for row in agent.results(2)}
    assert {row["state"] for row in rows.values()} == {NOT_SCORED}
    assert "MPEG2" in rows[video.SOPInstanceUID]["reason"]
    assert "Comprehensive SR" in rows[report.SOPInstanceUID]["reason"]
    assert rows[report.SOPInstanceUID]["study_instance_uid"] == report.StudyInstanceUID


def test_noise_on_the_port_does_no_harm(agent: RunningAgent, image: MakeImage) -> None:
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"\0" * 40, os.urandom(500)):
        with socket.create_connection((HOST, agent.port)) as connection:
            connection.sendall(noise)
    agent.send(image(8))
    assert agent.results(1)[0]["state"] == SCORED


def test_many_associations_at_once(start_agent: StartAgent, image: MakeImage) -> None:
    agent = start_agent()
    datasets = [pydicom.dcmread(image(20 + number)) for number in range(6)]
    context = (ULTRASOUND, [datasets[0].file_meta.TransferSyntaxUID])
    associations = [_associate(agent, context) for _ in datasets]
    statuses = [_status(one, dataset) for one, dataset in zip(associations, datasets, strict=True)]
    for one in associations:
        one.release()
    assert statuses == [SUCCESS] * len(datasets)
    assert len(agent.results(len(datasets))) == len(datasets)


def test_the_log_names_no_patient(agent: RunningAgent, image: MakeImage, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(image(9))
    dataset.PatientName, dataset.PatientID = "SECRET^NAME", "ID-4711"
    with pydicom.config.disable_value_validation():
        dataset.add_new(0x00100030, "DA", "born in 1970, SECRET")  # pydicom warns of such values
    path = tmp_path / "secret.dcm"
    dataset.save_as(path)
    agent.send(path)
    agent.results(1)
    assert "SECRET" not in agent.log and "ID-4711" not in agent.log
