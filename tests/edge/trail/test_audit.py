"""The audit trail: complete, chained, in the standard's XML, sent over TLS without losing a message."""

import contextlib
import errno
import json
import multiprocessing
import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pydicom
import pytest
from pynetdicom import AE

from edge.trail import message
from edge.trail.log import AuditLog, verify
from edge.trail.message import CREATE, Message, Origin
from edge.trail.syslog import SyslogSender, server_of
from edge.trail.xml import as_xml
from scanside.errors import SettingError
from tests.edge.conftest import MakeImage, StartAgent
from tests.edge.running import HOST, RunningAgent, edge, wait_for
from tests.edge.trail.schema import faults
from tests.outside import require_tool

HOSTILE = "<x>&\"'\x00\x1b[31m\ud800\uffff]]>"
EVERY = [
    message.application_started("AGENT"),
    message.application_stopped("AGENT"),
    message.instances_transferred("AGENT", Origin("US1", "AGENT", "10.0.0.7", "1.2.3"), CREATE, "1.2", "ID"),
    message.instances_transferred("AGENT", Origin(), CREATE, "", ""),
    message.study_deleted("AGENT", "somebody", "1.2", "ID", 3),
    message.patient_record_updated("AGENT", "Dr. Who", "who", "ID", "menopausal status"),
    message.procedure_record_updated("AGENT", HOSTILE, "", "1.2", "ID", f"side, frame 1 of {HOSTILE}"),
    message.association_refused("AGENT", HOSTILE, "10.0.0.8", "why"),
    message.trail_damaged("AGENT", "where"),
    message.runtime_fallback("AGENT", "ONNX Runtime", HOSTILE),
]


def trail(data: Path) -> list[Message]:
    lines = [
        line for path in sorted((data / "audit").glob("*.jsonl")) for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


def events(data: Path) -> list[tuple[str, str]]:
    found = [one["EventIdentification"] for one in trail(data)]
    return [(one["EventID"]["originalText"], one["EventActionCode"]) for one in found]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one["EventIdentification"]["EventID"]["originalText"])
def test_messages_are_what_the_schema_allows(one: Message) -> None:
    document = as_xml(one)
    root = ElementTree.fromstring(document)
    assert root.tag == "AuditMessage" and faults(root) == []
    assert b"\n" not in document


def test_the_check_against_the_schema_finds_faults() -> None:
    root = ElementTree.fromstring(as_xml(EVERY[2]))
    del root[0].attrib["EventOutcomeIndicator"]
    root[1].set("Colour", "blue")
    root.append(ElementTree.Element("EventIdentification"))
    root.remove(root[3])  # the audit source
    assert faults(root) == [
        "EventIdentification lacks EventOutcomeIndicator",
        "ActiveParticipant: Colour='blue'",
        "AuditMessage: 0 AuditSourceIdentification",
        "AuditMessage: EventIdentification is not allowed here",
    ]


def test_hostile_text_stays_text() -> None:
    (participant,) = ElementTree.fromstring(as_xml(EVERY[7])).findall("ActiveParticipant[2]")
    assert participant.get("UserID") == "<x>&\"'\ufffd\ufffd[31m\ufffd\ufffd]]>"
    assert (
        len(message.association_refused("A", "x" * 10_000, "", "")["ActiveParticipant"][1]["UserID"]) == 256
    )


def _write(data: Path, count: int) -> None:
    log = AuditLog(data, "AGENT")
    for _ in range(count):
        log.record(EVERY[0])


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, 100)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = verify(tmp_path)
    assert (found.messages, found.faults) == (300, [])


@pytest.mark.parametrize("change", ["alter", "remove", "insert", "swap"])
def test_a_change_shows(change: str, tmp_path: Path) -> None:
    _write(tmp_path, 6)
    (path,) = (tmp_path / "audit").glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "alter":
        lines[2] = lines[2].replace(b"Application Start", b"Application Stop!")
    elif change == "remove":
        del lines[2]
    elif change == "insert":
        lines.insert(2, lines[2])
    else:
        lines[2:4] = lines[3:1:-1]
    assert edge("audit", "verify", "--data", tmp_path).returncode == 0
    path.write_bytes(b"".join(lines))
    done = edge("audit", "verify", "--data", tmp_path)
    assert done.returncode == 1 and re.search(r"\.jsonl, line [34]: does not follow the line", done.stdout)


def test_a_line_cut_off_by_a_power_cut_is_named_and_the_chain_goes_on(tmp_path: Path) -> None:
    _write(tmp_path, 3)
    (path,) = (tmp_path / "audit").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-20])
    _write(tmp_path, 2)
    found = verify(tmp_path)
    assert len(found.faults) == 1 and "line 3: no message" in found.faults[0]
    assert ("Security Alert", "E") in events_of(path)
    _write(tmp_path, 1)
    assert verify(tmp_path).faults == found.faults


def events_of(path: Path) -> list[tuple[str, str]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            one = json.loads(line)["EventIdentification"]
        except ValueError:
            continue
        found.append((one["EventID"]["originalText"], one["EventActionCode"]))
    return found


def test_the_chain_goes_over_midnight_and_over_a_clock_that_was_set_back(tmp_path: Path) -> None:
    _write(tmp_path, 2)
    (today,) = (tmp_path / "audit").glob("*.jsonl")
    yesterday, tomorrow = today.with_name("2020-01-01.jsonl"), today.with_name("2999-01-01.jsonl")
    today.rename(yesterday)
    _write(tmp_path, 2)
    today.rename(tomorrow)  # as if it had been written then
    _write(tmp_path, 2)
    assert sorted(path.name for path in (tmp_path / "audit").glob("*.jsonl")) == [
        yesterday.name,
        tomorrow.name,
    ]
    found = verify(tmp_path)
    assert (found.messages, found.faults) == (6, [])
    yesterday.unlink()
    assert len(verify(tmp_path).faults) == 1


def test_a_trail_that_can_not_be_written_is_counted_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("no folder")
    log = AuditLog(tmp_path, "AGENT")
    log.record(EVERY[0])
    assert log.lost == 1


def test_a_message_that_was_cut_off_while_written_is_not_there_and_is_counted_through_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, log = os.write, AuditLog(tmp_path, "AGENT")
    log.record(EVERY[0])
    calls = [0]

    def fill_disk(descriptor: int, text: bytes) -> int:
        calls[0] += 1
        if calls[0] == 1:
            return write(descriptor, text[:50])
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr("edge.trail.log.os.write", fill_disk)
        log.record(EVERY[1])
    assert (log.lost, AuditLog(tmp_path, "AGENT").lost) == (1, 1)  # another process, or the next start
    assert verify(tmp_path).faults == []
    other = AuditLog(tmp_path, "AGENT")
    other.record(EVERY[2])
    (path,) = (tmp_path / "audit").glob("*.jsonl")
    assert "1 messages could not be written" in path.read_text() and other.lost == log.lost == 0
    assert (verify(tmp_path).messages, verify(tmp_path).faults) == (3, [])


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr("edge.trail.log.os.write", lambda descriptor, text: write(descriptor, text[:7]))
    _write(tmp_path, 3)
    assert (verify(tmp_path).messages, verify(tmp_path).faults) == (3, [])


def test_a_run_leaves_its_events_and_logs_name_nobody(
    start_agent: StartAgent, image: MakeImage, tmp_path: Path
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text("max_associations = 1\n")
    agent = start_agent("--config", str(config))
    first = pydicom.dcmread(image(1))
    first.PatientName, first.PatientID = "SECRET^NAME", "ID-4711"
    first.save_as(tmp_path / "first.dcm")
    corrected = pydicom.dcmread(tmp_path / "first.dcm")
    corrected.PatientID = "ID-4712"
    corrected.save_as(tmp_path / "corrected.dcm")
    agent.send(tmp_path / "first.dcm")
    agent.results(1)
    agent.send(tmp_path / "first.dcm")
    agent.send(tmp_path / "corrected.dcm")
    wait_for(lambda: ("DICOM Instances Transferred", "U") in events(agent.data), "the update")
    _refused(agent)
    assert agent.stop() == 0
    wanted = ["Application Activity", *["DICOM Instances Transferred"] * 3, "Security Alert"]
    assert [name for name, _ in events(agent.data)] == [*wanted, "Application Activity"]
    assert [action for _, action in events(agent.data)] == ["E", "C", "R", "U", "E", "E"]
    transferred = trail(agent.data)[1]
    assert [one["ParticipantObjectID"] for one in transferred["ParticipantObjectIdentification"]] == [
        first.StudyInstanceUID,
        "ID-4711",
    ]
    source, _ = transferred["ActiveParticipant"]
    assert source["NetworkAccessPointID"] == HOST and source["UserID"]
    assert edge("audit", "verify", "--data", agent.data).returncode == 0
    whole = "".join(path.read_text() for path in (agent.data / "audit").glob("*.jsonl"))
    assert "SECRET" not in whole
    assert not [word for word in ("SECRET", "ID-471", first.StudyInstanceUID) if word in agent.log]


def _refused(agent: RunningAgent) -> None:
    scanner = AE("STRANGER")
    scanner.add_requested_context("1.2.840.10008.1.1")
    one = scanner.associate(HOST, agent.port, ae_title="SCANSIDE")
    assert one.is_established
    other = scanner.associate(HOST, agent.port)
    assert other.is_rejected
    one.release()


class SyslogServer(threading.Thread):
    """A real TLS server that takes messages by RFC 5425's counts."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(daemon=True)
        self.certificate = folder / "server.pem"
        if not self.certificate.exists():
            subprocess.run(
                [require_tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                 "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", folder / "key.pem", "-out",
                 self.certificate],
                check=True, capture_output=True,
            )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, folder / "key.pem")
        self._plain = socket.create_server((HOST, port))
        self._context = context
        self.port = self._plain.getsockname()[1]
        self.messages: list[bytes] = []
        self._connections: list[ssl.SSLSocket] = []
        self.start()

    def run(self) -> None:
        while True:
            try:
                connection = self._context.wrap_socket(self._plain.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: ssl.SSLSocket) -> None:
        try:
            with connection.makefile("rb") as stream:
                while length := b"".join(iter(lambda: stream.read(1).strip(), b"")):
                    self.messages.append(stream.read(int(length)))
        except (OSError, ValueError):
            return

    def stop(self) -> None:
        self._plain.shutdown(socket.SHUT_RDWR)
        self._plain.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):  # its client is gone
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[SyslogServer]:
    yield SyslogServer(tmp_path)


def test_messages_reach_syslog_over_tls_and_wait_while_it_is_away(
    syslog: SyslogServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.trail.syslog._RETRY_S", 0.2)
    monkeypatch.setattr("edge.trail.syslog._LOOK_S", 0.1)
    address = f"{HOST}:{syslog.port}"
    _write(tmp_path, 2)
    sender = SyslogSender(tmp_path, server_of(address, syslog.certificate, None))
    sender.start()
    wait_for(lambda: len(syslog.messages) == 2, "two messages")
    syslog.stop()
    wait_for(lambda: sender.problem, "the problem")
    _write(tmp_path, 3)
    again = SyslogServer(tmp_path, syslog.port)
    wait_for(lambda: len(again.messages) == 3, "the three that waited")
    sender.close()
    later = SyslogSender(tmp_path, server_of(address, syslog.certificate, None))  # after a restart
    _write(tmp_path, 1)
    later.start()
    wait_for(lambda: len(again.messages) == 4, "the one more, and none twice")
    later.close()
    again.stop()
    head, xml = again.messages[0].split(b"\xef\xbb\xbf")
    pattern = rb"<85>1 \S+ \S+ scanside \d+ DICOM\+RFC3881 - "
    assert re.fullmatch(pattern, head) and faults(ElementTree.fromstring(xml)) == []


def test_a_server_with_another_certificate_gets_nothing(syslog: SyslogServer, tmp_path: Path) -> None:
    _write(tmp_path, 1)
    sender = SyslogSender(tmp_path, server_of(f"{HOST}:{syslog.port}", None, None))
    sender.start()
    problem = wait_for(lambda: sender.problem, "the problem")
    sender.close()
    assert "certificate verify failed" in problem and syslog.messages == []


@pytest.mark.parametrize("address", ["", "host", "host:", ":514", "host:0", "host:70000", "host:x"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(SettingError, match="audit_syslog"):
        server_of(address, None, None)


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    values: list[Any] = [tmp_path / "ca.pem", tmp_path / "nowhere.pem"]
    for value in values:
        with pytest.raises(SettingError, match="audit_ca"):
            server_of("host:6514", value, None)
