"""Associations as machines propose them, and as none should, byte for byte (PS3.8, PS3.7 annex D)."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)

from edge.network.receive import Receiver
from edge.network.refusals import Refusals
from edge.network.stack import SteadyTimer
from edge.settings import Settings
from edge.storage.spool import Spool
from tests.edge.conftest import MakeImage
from tests.edge.network.peer import (
    ABORTED,
    IMPLICIT,
    REJECTED,
    Contexts,
    Peer,
    associate_rq,
    command,
    data,
    echo_rq,
    pdu,
    store_rq,
)
from tests.edge.network.scp import AGENT, VERIFICATION, RunningScp, running
from tests.edge.running import wait_for

EXPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
ULTRASOUND, CINE = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
PRIVATE, FUTURE, FIND = "1.2.840.113619.4.26", "1.2.840.10008.5.1.4.1.1.99.9", "1.2.840.10008.5.1.4.1.2.2.1"
ACCEPTED_CONTEXT, NO_SUCH_CLASS, NO_SUCH_SYNTAX = 0, 3, 4


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningScp]:
    with running(AGENT, tmp_path_factory.mktemp("scp"), max_associations_per_peer=64) as scp:
        yield scp


@pytest.fixture
def peer(scp: RunningScp) -> Iterator[Peer]:
    with Peer(scp.port) as peer:
        yield peer


def _results(peer: Peer, contexts: Contexts, *items: Any) -> dict[int, int]:
    answer = peer.associate(contexts, items)
    return {context.context_id: context.result for context in answer.presentation_context}


def _stored(peer: Peer, sop_class: str, context: int = 1) -> bool:
    instance = f"1.2.3.{time.monotonic_ns()}"
    peer.send(
        data(context, 3, store_rq(sop_class, instance)), data(context, 2, b"\x08\x00\x05\x00" + bytes(4))
    )
    return peer.status() == 0


def _aborted(peer: Peer) -> bool:
    answer = peer.receive()
    return answer is None or answer[0] == ABORTED


def test_only_jpeg_baseline_for_a_cine(peer: Peer) -> None:
    """Consoles that compress cines offer nothing else, often beside a raw context for stills."""
    assert _results(peer, [(CINE, [JPEG]), (ULTRASOUND, [IMPLICIT])]) == {1: 0, 3: 0}
    assert _stored(peer, CINE) and _stored(peer, ULTRASOUND, 3)


def test_the_most_contexts_that_there_can_be(peer: Peer) -> None:
    contexts = [(VERIFICATION, [IMPLICIT])] + [
        (f"{CINE[:-4]}.{n}.1", [JPEG, EXPLICIT]) for n in range(1, 128)
    ]
    assert set(_results(peer, contexts).values()) == {ACCEPTED_CONTEXT}
    peer.send(data(1, 3, echo_rq()))
    assert peer.status() == 0 and _stored(peer, contexts[127][0], 255)


def test_long_data_units_are_asked_for(peer: Peer) -> None:
    """As long as the setting says; DCMTK's storescu and Orthanc then send 131072 bytes instead of 16384."""
    assert peer.associate().user_information.maximum_length == Settings().max_pdu_bytes == 131072


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can be told to")
def test_a_sender_that_waits_for_acknowledgements_is_not_kept_waiting(peer: Peer) -> None:
    """Nagle's algorithm holds the second of two short PDUs until the first is acknowledged: 40 ms else."""
    peer.associate([(ULTRASOUND, [IMPLICIT])])
    took = []
    for _ in range(40):
        began = time.monotonic()
        assert _stored(peer, ULTRASOUND)
        took.append(time.monotonic() - began)
    assert min(took[20:]) < 0.03  # a new connection is acknowledged at once for a while anyway


def test_one_class_in_a_context_for_each_syntax(peer: Peer) -> None:
    answer = peer.associate([(ULTRASOUND, [syntax]) for syntax in (JPEG, EXPLICIT, IMPLICIT)])
    assert [context.transfer_syntax for context in answer.presentation_context] == [JPEG, EXPLICIT, IMPLICIT]


def test_what_is_no_storage_is_refused_and_the_rest_goes_on(peer: Peer) -> None:
    contexts = [(FIND, [IMPLICIT]), (ULTRASOUND, ["1.2.3.4.5"]), (ULTRASOUND, [IMPLICIT])]
    assert _results(peer, contexts) == {1: NO_SUCH_CLASS, 3: NO_SUCH_SYNTAX, 5: ACCEPTED_CONTEXT}
    assert _stored(peer, ULTRASOUND, 5)


def test_nothing_acceptable_is_still_an_answer(peer: Peer) -> None:
    assert _results(peer, [(FIND, [IMPLICIT])]) == {1: NO_SUCH_CLASS}


def test_private_and_future_storage_classes(peer: Peer, tmp_path: Path) -> None:
    assert _results(peer, [(PRIVATE, [IMPLICIT]), (FUTURE, [IMPLICIT])]) == {1: 0, 3: 0}
    assert _stored(peer, PRIVATE) and _stored(peer, FUTURE, 3)
    with running(AGENT, tmp_path, private_classes=False) as scp, Peer(scp.port) as other:
        assert _results(other, [(PRIVATE, [IMPLICIT]), (FUTURE, [IMPLICIT])]) == {1: 3, 3: 0}


@pytest.mark.parametrize("roles", [(True, False), (True, True), (False, True)])
def test_role_selection(roles: tuple[bool, bool], peer: Peer) -> None:
    """Unanswered, the default roles hold (PS3.7 D.3.3.4): the sender is SCU."""
    item = SCP_SCU_RoleSelectionNegotiation()
    item.sop_class_uid, (item.scu_role, item.scp_role) = ULTRASOUND, roles
    assert _results(peer, [(ULTRASOUND, [IMPLICIT])], item) == {1: 0}
    assert _stored(peer, ULTRASOUND)


def test_extended_negotiation(peer: Peer) -> None:
    extended, common = SOPClassExtendedNegotiation(), SOPClassCommonExtendedNegotiation()
    extended.sop_class_uid = common.sop_class_uid = ULTRASOUND
    extended.service_class_application_information = b"\x02\x00\x03\x00\x01\x00"
    common.service_class_uid = "1.2.840.10008.4.2"
    common.related_general_sop_class_identification = [CINE]
    assert _results(peer, [(ULTRASOUND, [IMPLICIT])], extended, common) == {1: 0}
    assert _stored(peer, ULTRASOUND)


def test_an_asynchronous_window_is_not_taken_up(peer: Peer) -> None:
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked = item.maximum_number_operations_performed = 8
    answer = peer.associate([(ULTRASOUND, [IMPLICIT])], [item])
    assert not [one for one in answer.user_information.user_data if "Asynchronous" in type(one).__name__]
    assert _stored(peer, ULTRASOUND)


def test_requests_ahead_of_their_answers_are_answered_in_order(peer: Peer) -> None:
    peer.associate()
    peer.send(*(data(1, 3, echo_rq(number)) for number in range(1, 6)))
    assert [peer.status() for _ in range(5)] == [0] * 5


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_a_user_identity_is_not_asked_for_and_does_no_harm(kind: int, peer: Peer) -> None:
    item = UserIdentityNegotiation()
    item.user_identity_type, item.primary_field = kind, b"user"
    item.secondary_field = b"secret" if kind == 2 else b""
    item.positive_response_requested = True
    answer = peer.associate([(ULTRASOUND, [IMPLICIT])], [item])
    assert not [one for one in answer.user_information.user_data if "Identity" in type(one).__name__]
    assert _stored(peer, ULTRASOUND)


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_real_image_in_pieces_is_kept_whole(
    pieces: int, peer: Peer, scp: RunningScp, image: MakeImage
) -> None:
    dataset = dcmread(image(1))
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = True, True
    write_dataset(encoded, dataset)
    body, request = encoded.getvalue(), store_rq(ULTRASOUND, dataset.SOPInstanceUID)
    peer.associate([(ULTRASOUND, [IMPLICIT])])
    cuts = [len(request) * n // pieces for n in range(pieces + 1)]
    for start, end in itertools.pairwise(cuts):
        peer.send(data(1, 3 if end == len(request) else 1, request[start:end]))
    for start in range(0, len(body), 60_000):
        end = min(start + 60_000, len(body))
        peer.send(data(1, 2 if end == len(body) else 0, body[start:end]))
    assert peer.status() == 0
    assert any(path.read_bytes().endswith(body) for path in scp.spool.glob("*.dcm"))


@pytest.mark.parametrize(("extra", "taken"), [(6, True), (60_000, True), (70_000, False)])
def test_a_pdu_somewhat_longer_than_negotiated_is_taken(extra: int, taken: bool, peer: Peer) -> None:
    peer.associate([(ULTRASOUND, [IMPLICIT])])
    peer.send(data(1, 3, store_rq(ULTRASOUND, f"1.2.3.{extra}")))
    with contextlib.suppress(ConnectionError):
        peer.send(data(1, 2, bytes(131072 + extra - 6)))
    if taken:
        assert peer.status() == 0
    else:
        assert _aborted(peer)


OVERFULL = {
    "a data unit before the association": data(1, 3, echo_rq()),
    "an association request of the wrong kind": pdu(2, bytes(100)),
    "an unknown type": pdu(9, bytes(8)),
    "129 contexts": b"",
    "an endless request": b"\x01\x00\x7f\xff\xff\xff" + bytes(1000),
    "a request that is cut off": pdu(1, associate_rq()[6:-3]),
    "a request of empty items": pdu(1, associate_rq()[6:] + b"\x20\x00\x00\x00" * 200),
    "a request of empty user items": pdu(1, associate_rq()[6:] + b"\x50\x00\x10\x00" + bytes(4096)),
}


@pytest.mark.parametrize("what", OVERFULL)
def test_what_is_no_association_request_is_aborted(what: str, peer: Peer, scp: RunningScp) -> None:
    contexts = [(f"1.2.{n}", [IMPLICIT]) for n in range(128)]
    peer.send(OVERFULL[what] or _with_one_more(associate_rq(contexts)))
    assert _aborted(peer)
    assert "Traceback" not in scp.log


def _with_one_more(request: bytes) -> bytes:
    """The request with its first presentation context twice."""
    first = request.index(b"\x20\x00", 74)  # behind the titles
    length = 4 + int.from_bytes(request[first + 2 : first + 4], "big")
    return pdu(1, request[6:first] + request[first : first + length] + request[first:])


WRONG = {
    "an empty fragment": pdu(4, b"\0\0\0\1\1"),
    "no fragment": pdu(4, b""),
    "a fragment that leads out": pdu(4, b"\0\0\1\0\1\3abc"),
    "ten thousand fragments": pdu(4, b"\0\0\0\2\1\0" * 10_000),
    "an endless command": data(1, 1, bytes(20_000)),
    "noise for a command": data(1, 3, b"\xff" * 200),
    "a command without a field": data(1, 3, command(MessageID=1)),
    "a query": data(
        1, 3, command(AffectedSOPClassUID=FIND, CommandField=0x20, MessageID=1, CommandDataSetType=0x101)
    ),
    "an event report": data(
        1,
        3,
        command(
            AffectedSOPClassUID=VERIFICATION,
            CommandField=0x100,
            MessageID=1,
            CommandDataSetType=0x101,
            AffectedSOPInstanceUID="1.2.3",
            EventTypeID=1,
        ),
    ),
    "too many requests ahead": b"".join(data(1, 3, echo_rq(number)) for number in range(2000)),
    "a second association request": associate_rq(),
    "another context": data(99, 3, echo_rq()),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_service_here_is_aborted(what: str, peer: Peer, scp: RunningScp) -> None:
    peer.associate()
    with contextlib.suppress(ConnectionError):
        peer.send(WRONG[what])
    while (answer := peer.receive()) is not None and answer[0] == 4:
        pass  # echoes that were answered before
    assert answer is None or answer[0] == ABORTED
    assert scp.echo_s(10) is not None
    assert "Traceback" not in scp.log


def test_a_data_set_before_its_command_is_not_understood(peer: Peer, scp: RunningScp) -> None:
    peer.associate([(ULTRASOUND, [IMPLICIT])])
    peer.send(data(1, 0, b"early"), data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 2, b"late"))
    assert peer.status() == 0xC000
    assert _stored(peer, ULTRASOUND)
    assert "can't be understood" in scp.log and "fault of the program" not in scp.log


def test_titles(tmp_path: Path) -> None:
    room = {"name": "room 1", "addresses": ["127.0.0.1"], "ae_title": "US1"}
    with running(AGENT, tmp_path, scanners=[room]) as scp:
        storage: Contexts = [(ULTRASOUND, [IMPLICIT])]
        cases = {("US1", "SCANSIDE"): None, ("US2", "SCANSIDE"): (1, 1, 3), ("US1", "OTHER"): (1, 1, 7)}
        for (calling, called), refusal in cases.items():
            with Peer(scp.port) as peer:
                answer: Any = peer.associate(storage, calling=calling, called=called)
                if refusal is None:
                    assert _stored(peer, ULTRASOUND)
                else:
                    assert answer.pdu_type == REJECTED
                    assert (answer.result, answer.source, answer.reason_diagnostic) == refusal
        assert scp.echo_s(10) is not None  # by the title CHECK: an echo harms nobody
        assert "'US2'" in scp.log and "no scanner of the settings has that title" in scp.log


def test_unknown_addresses_are_not_answered(tmp_path: Path) -> None:
    room = {"name": "room 1", "addresses": ["10.0.0.0/8"]}
    with running(AGENT, tmp_path, scanners=[room]) as scp, Peer(scp.port) as peer:
        with contextlib.suppress(ConnectionError):
            peer.send(associate_rq())
        assert peer.receive() is None


@pytest.mark.parametrize("limit", ["max_associations", "max_associations_per_peer"])
def test_too_many_associations_are_rejected_for_now(limit: str, tmp_path: Path) -> None:
    with running(AGENT, tmp_path, **{limit: 2}) as scp, contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(scp.port)) for _ in range(3)]
        answers: list[Any] = [peer.associate() for peer in peers]
        assert [answer.pdu_type for answer in answers] == [2, 2, REJECTED]
        assert (answers[2].result, answers[2].source, answers[2].reason_diagnostic) == (2, 3, 2)
        peers[0].send(pdu(5, bytes(4)))
        assert peers[0].receive() == (6, bytes(4))
        wait_for(lambda: scp.echo_s(5) is not None, "a free place")


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
def test_too_many_connections_are_closed(limit: str, tmp_path: Path) -> None:
    with running(AGENT, tmp_path, **{limit: 3}, connect_timeout_s=2) as scp, contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(scp.port)) for _ in range(4)]
        assert peers[3].receive() is None
        peers[0].associate()
        wait_for(lambda: scp.echo_s(5) is not None, "a free place")  # the silent two are gone


def test_deadlines(tmp_path: Path) -> None:
    deadlines = {"connect_timeout_s": 1.5, "pdu_timeout_s": 1, "association_timeout_s": 2}
    with running(AGENT, tmp_path, **deadlines, association_limit_s=4) as scp:
        request = associate_rq()
        assert _ends_after(scp.port, request, step=1) < 2.5
        echo = data(1, 3, echo_rq())
        assert _ends_after(scp.port, echo, step=1, associate=True) < 2.5
        assert 1.5 < _ends_after(scp.port, b"", step=1, associate=True) < 4
        # Alive and well behaved, but for ever.
        assert 3 < _ends_after(scp.port, echo * 60, step=len(echo), associate=True) < 6
        assert scp.echo_s(5) is not None


def _ends_after(port: int, sent: bytes, step: int, associate: bool = False) -> float:
    """Seconds until the agent ends a connection on which `step` bytes are sent five times a second."""
    with Peer(port) as peer:
        began = time.monotonic()
        if associate:
            peer.associate()
        peer.socket.settimeout(0.2)
        for number in range(60):
            try:
                peer.send(sent[number * step : (number + 1) * step])
                answer = peer.receive()
            except TimeoutError:
                continue
            except ConnectionError:
                break
            if answer is None or answer[0] == ABORTED:
                break
            time.sleep(0.2)
        return time.monotonic() - began


def test_stopping_waits_for_no_peer(tmp_path: Path) -> None:
    receiver = Receiver(Settings(port=0), Spool(tmp_path / "spool"), lambda _: None)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(receiver.port)) for _ in range(6)]
        for peer in peers[:4]:
            peer.associate([(ULTRASOUND, [IMPLICIT])])
        for peer in peers[:2]:
            peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 0, bytes(10_000))[:-5])
        began = time.monotonic()
        receiver.close()
        assert time.monotonic() - began < 6
        assert all(_aborted(peer) for peer in peers[:4])
        wait_for(
            lambda: not list((tmp_path / "spool" / "incoming").iterdir()), "the removal of what was begun"
        )
        with pytest.raises(OSError):
            Peer(receiver.port)


def test_stopping_lets_open_associations_finish(tmp_path: Path) -> None:
    refusals = Refusals()
    spool = Spool(tmp_path / "spool")
    receiver = Receiver(Settings(port=0), spool, lambda _: None, refusals)
    with Peer(receiver.port) as stranger:
        stranger.associate(called="OTHER")
    with Peer(receiver.port) as peer:
        peer.associate([(ULTRASOUND, [IMPLICIT])])
        closing = threading.Thread(target=receiver.close, args=(10,))
        closing.start()
        time.sleep(0.5)
        assert _stored(peer, ULTRASOUND) and len(spool.files()) == 1
        peer.send(pdu(5, bytes(4)))
        assert peer.receive() == (6, bytes(4))
        closing.join(5)
        assert not closing.is_alive()
    assert refusals.counts == {"called_ae_title": 1}


def test_the_clock_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    timer = SteadyTimer(10)
    timer.start()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 9 < timer.remaining <= 10 and not timer.expired
    timer.timeout = 0.01
    time.sleep(0.02)
    assert timer.expired
