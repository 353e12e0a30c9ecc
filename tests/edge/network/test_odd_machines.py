"""Machines that are not as the standard says: what can be understood is taken, the rest has an answer.

Every request here is made byte by byte. One that is strict beside it (test_associations.py) must not suffer.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom.pdu import A_ASSOCIATE_AC

from edge.network.titles import Title
from tests.edge.network.peer import (
    ABORTED,
    ACCEPTED,
    DATA,
    IMPLICIT,
    REJECTED,
    RELEASED,
    Peer,
    command,
    data,
    echo_rq,
    pdu,
    store_rq,
)
from tests.edge.network.scp import AGENT, VERIFICATION, RunningScp, running
from tests.edge.running import wait_for

ULTRASOUND, CINE = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
SUCCESS, CLASS_NOT_SUPPORTED, CANNOT_UNDERSTAND = 0x0000, 0x0122, 0xC000
PATIENT = b"\x10\x00\x20\x00\x04\x00\x00\x00odd "  # PatientID, the whole data set


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def context(number: int, *sub_items: bytes) -> bytes:
    return item(0x20, bytes((number, 0, 0, 0)) + b"".join(sub_items))


def abstract(uid: str) -> bytes:
    return item(0x30, uid.encode())


def syntax(uid: str = IMPLICIT) -> bytes:
    return item(0x40, uid.encode())


LENGTH = item(0x51, struct.pack(">I", 16384))
IMPLEMENTATION = item(0x52, b"1.2.3.4")
STORE_CONTEXT = context(1, abstract(ULTRASOUND), syntax())


def request(
    *contexts: bytes,
    calling: bytes = b"SCANNER",
    called: bytes = b"SCANSIDE",
    user: bytes = LENGTH + IMPLEMENTATION,
    version: int = 1,
    others: bytes = b"",
    reserved: bytes = bytes(32),
) -> bytes:
    """An A-ASSOCIATE-RQ of these items."""
    fixed = struct.pack(">HH16s16s32s", version, 0, called.ljust(16), calling.ljust(16), reserved)
    proposed = b"".join(contexts or (STORE_CONTEXT,))
    return pdu(1, fixed + item(0x10, b"1.2.840.10008.3.1.1.1") + proposed + others + item(0x50, user))


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningScp]:
    with running(AGENT, tmp_path_factory.mktemp("scp"), max_associations_per_peer=64) as scp:
        yield scp


@pytest.fixture
def peer(scp: RunningScp) -> Iterator[Peer]:
    with Peer(scp.port) as peer:
        yield peer
    assert "Traceback" not in scp.log and "fault of the program" not in scp.log


def accepted(peer: Peer, asked: bytes) -> dict[int, int]:
    """The result of each context of an association that must be accepted."""
    peer.send(asked)
    answer = peer.receive()
    assert answer is not None and answer[0] == ACCEPTED, answer
    decoded = A_ASSOCIATE_AC()
    decoded.decode(pdu(*answer))
    return {one.context_id: one.result for one in decoded.presentation_context}


def stored(peer: Peer, number: int = 1, sop_class: str = ULTRASOUND) -> str:
    """The UID of an instance that the peer stored."""
    instance = f"1.2.3.{time.monotonic_ns()}"
    peer.send(data(number, 3, store_rq(sop_class, instance)), data(number, 2, PATIENT))
    assert peer.status() == SUCCESS
    return instance


def kept(scp: RunningScp, instance: str) -> Any:
    """The file meta information of an instance in the spool."""
    metas = [dcmread(path).file_meta for path in scp.spool.glob("*.dcm")]
    (found,) = [meta for meta in metas if instance == meta.MediaStorageSOPInstanceUID]
    return found


TITLES = {
    b"US1\0\0\0\0\0\0\0\0\0\0\0\0\0": ("US1", r"US1" + r"\x00" * 13),
    b"US1\0 left over 1": ("US1", r"US1\x00 left over 1"),
    b"\0\0US1": ("US1", r"\x00\x00US1"),
    b"US\x011\x7f": ("US1", r"US\x011\x7f"),
    b"US\xc91\\": ("US1", r"US\xc91\x5c"),
    b"  US1": ("US1", "US1"),
    b"ROOM 3": ("ROOM 3", "ROOM 3"),
    b"": ("", "16 spaces"),
    bytes(16): ("", r"\x00" * 16),
}


@pytest.mark.parametrize("raw", TITLES)
def test_a_title_is_cleaned_and_shown_as_it_came(raw: bytes) -> None:
    title = Title.of(raw.ljust(16))
    assert (title.text, title.shown) == TITLES[raw]


@pytest.mark.parametrize("raw", [b"US1\0\0\0\0\0\0\0\0\0\0\0\0\0", b"US1\x02", b"US1\xff\xff", b"\0US1"])
def test_a_title_with_odd_bytes_is_taken_by_what_is_left_of_it(raw: bytes, tmp_path: Path) -> None:
    room = {"name": "room 1", "addresses": ["127.0.0.1"], "ae_title": "US1"}
    with running(AGENT, tmp_path, scanners=[room]) as scp, Peer(scp.port) as peer:
        assert accepted(peer, request(calling=raw, called=b"SCANSIDE\0\0\0\0\0\0\0\0")) == {1: 0}
        meta = kept(scp, stored(peer))
        assert meta.SourceApplicationEntityTitle == "US1"
        assert meta.ReceivingApplicationEntityTitle == "SCANSIDE"
        assert f"from '{Title.of(raw.ljust(16)).shown}' at 127.0.0.1" in scp.log
        with Peer(scp.port) as stranger:
            stranger.send(request(calling=b"US2\0\x1b"))
            assert stranger.receive() == (REJECTED, bytes((0, 1, 1, 3)))
        assert r"'US2\x00\x1b' of 127.0.0.1: association rejected" in scp.log


def test_an_acceptance_repeats_the_titles_as_they_came(peer: Peer) -> None:
    """PS3.8 table 9-17: these fields are sent back with the value that was received."""
    peer.send(request(calling=b"US1\0\0\0\xff", reserved=bytes(range(32))))
    answer = peer.receive()
    assert answer is not None and answer[0] == ACCEPTED
    assert answer[1][4:68] == b"SCANSIDE".ljust(16) + b"US1\0\0\0\xff".ljust(16) + bytes(range(32))


@pytest.mark.parametrize("named", [ULTRASOUND, CINE, "1.2.840.113619.4.26"])
def test_a_class_that_is_not_its_contexts_is_kept_under_its_own(
    named: str, peer: Peer, scp: RunningScp
) -> None:
    accepted(peer, request(context(1, abstract(CINE), syntax())))
    first, second = stored(peer, sop_class=named), stored(peer, sop_class=CINE)
    assert kept(scp, first).MediaStorageSOPClassUID == named
    assert kept(scp, second).MediaStorageSOPClassUID == CINE
    assert (f"{first} was sent as class {named}" in scp.log) == (named != CINE)


@pytest.mark.parametrize("named", [VERIFICATION, "1.2.840.10008.5.1.4.1.2.2.1"])
def test_an_instance_under_a_class_that_stores_nothing_is_kept_under_its_contexts(
    named: str, peer: Peer, scp: RunningScp
) -> None:
    accepted(peer, request())
    assert kept(scp, stored(peer, sop_class=named)).MediaStorageSOPClassUID == ULTRASOUND


def test_an_instance_in_the_context_of_an_echo_has_an_answer_and_the_next_is_stored(
    peer: Peer, scp: RunningScp
) -> None:
    accepted(
        peer, request(context(1, abstract(VERIFICATION), syntax()), context(3, abstract(CINE), syntax()))
    )
    peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3.77")), data(1, 2, PATIENT))
    assert peer.status() == CLASS_NOT_SUPPORTED
    assert "not stored, 1.2.3.77 of 127.0.0.1: a request in a presentation context for C-ECHO" in scp.log
    stored(peer, 3, CINE)
    peer.send(data(3, 3, echo_rq()))  # DCMTK answers that one too
    assert peer.status() == SUCCESS


WHOLE = {
    "AffectedSOPClassUID": ULTRASOUND,
    "CommandField": 1,
    "MessageID": 7,
    "Priority": 0,
    "CommandDataSetType": 1,
    "AffectedSOPInstanceUID": "1.2.3.4",
}


@pytest.mark.parametrize("missing", ["AffectedSOPClassUID", "AffectedSOPInstanceUID", "MessageID"])
def test_a_request_that_lacks_an_element_is_answered_at_once(
    missing: str, peer: Peer, scp: RunningScp
) -> None:
    accepted(peer, request())
    lacking = command(**{name: value for name, value in WHOLE.items() if name != missing})
    for body in (PATIENT, bytes(100_000)):
        peer.send(data(1, 3, lacking), data(1, 2, body))
        assert peer.status() == CANNOT_UNDERSTAND
    assert f"without a valid {missing}" in scp.log
    stored(peer)
    wait_for(lambda: not list((scp.spool / "incoming").iterdir()), "the removal of what was not stored")


def test_a_request_without_a_data_set_is_answered(peer: Peer, scp: RunningScp) -> None:
    accepted(peer, request())
    peer.send(data(1, 3, command(**{**WHOLE, "CommandDataSetType": 0x101})))
    assert peer.status() == CANNOT_UNDERSTAND
    assert "without a data set" in scp.log
    stored(peer)


def test_a_priority_that_is_none_is_not_looked_at(peer: Peer, scp: RunningScp) -> None:
    accepted(peer, request())
    peer.send(data(1, 3, command(**{**WHOLE, "Priority": 7})), data(1, 2, PATIENT))
    assert peer.status() == SUCCESS
    assert kept(scp, "1.2.3.4").MediaStorageSOPClassUID == ULTRASOUND


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
@pytest.mark.parametrize("name", ["AffectedSOPClassUID", "AffectedSOPInstanceUID"])
def test_a_uid_that_is_too_long_costs_one_image(name: str, peer: Peer, scp: RunningScp) -> None:
    accepted(peer, request())
    peer.send(data(1, 3, command(**{**WHOLE, name: "1." + 70 * "2"})), data(1, 2, PATIENT))
    assert peer.status() == CANNOT_UNDERSTAND
    assert f"without a valid {name}" in scp.log
    stored(peer)


@pytest.mark.parametrize("blank", [b"", bytes(16), b" \0\x01\xff"])
def test_blank_titles_are_taken_where_the_settings_say_so(blank: bytes, tmp_path: Path) -> None:
    with running(AGENT, tmp_path) as scp:
        for titles, reason in (({"calling": blank}, 3), ({"called": blank}, 7)):
            with Peer(scp.port) as peer:
                peer.send(request(**titles))
                assert peer.receive() == (REJECTED, bytes((0, 1, 1, reason)))
        assert "setting blank_ae_titles" in scp.log
        with Peer(scp.port) as peer:  # an echo harms nobody
            accepted(peer, request(context(1, abstract(VERIFICATION), syntax()), calling=blank))
    with running(AGENT, tmp_path, blank_ae_titles=True) as scp, Peer(scp.port) as peer:
        accepted(peer, request(calling=blank, called=blank))
        assert "SourceApplicationEntityTitle" in kept(scp, stored(peer))


CONTEXTS = {
    "without transfer syntaxes": (context(3, abstract(CINE)), 3, 4),
    "with an empty transfer syntax": (context(3, abstract(CINE), syntax("")), 3, 4),
    "with a transfer syntax that is too long": (context(3, abstract(CINE), syntax("1" * 65)), 3, 4),
    "with an even number": (context(4, abstract(CINE), syntax()), 4, 2),
    "with number 0": (context(0, abstract(CINE), syntax()), 0, 2),
    "without a class": (context(3, syntax()), 3, 3),
    "with an empty class": (context(3, abstract(""), syntax()), 3, 3),
    "with a class that is too long": (context(3, abstract("1." + "2" * 70), syntax()), 3, 3),
    "with a class that is no text": (context(3, item(0x30, b"\xff\x00\x01"), syntax()), 3, 3),
}


@pytest.mark.parametrize("what", CONTEXTS)
def test_a_context_that_can_not_be_negotiated_is_rejected_and_the_rest_goes_on(what: str, peer: Peer) -> None:
    odd, number, result = CONTEXTS[what]
    assert accepted(peer, request(odd, STORE_CONTEXT)) == {1: 0, number: result}
    stored(peer)


@pytest.mark.parametrize("what", CONTEXTS)
def test_such_a_context_alone_has_its_answer(what: str, peer: Peer) -> None:
    odd, number, result = CONTEXTS[what]
    assert accepted(peer, request(odd)) == {number: result}


@pytest.mark.parametrize(
    "taken",
    [
        context(1, abstract(ULTRASOUND + "\0"), syntax(IMPLICIT + "\0")),
        context(1, abstract(ULTRASOUND), syntax("not a uid"), syntax()),
        context(1, item(0x99, b"unknown"), abstract(ULTRASOUND), syntax()),
        STORE_CONTEXT * 2,
    ],
    ids=["UIDs padded with NUL", "a syntax that is none", "an unknown item", "one number twice"],
)
def test_a_context_that_can_be_understood_is_taken(taken: bytes, peer: Peer) -> None:
    assert accepted(peer, request(taken)) == {1: 0}
    stored(peer)


USER = {
    "an unknown item": item(0x77, b"what a later edition brings"),
    "an identity of an unknown type": item(0x58, b"\x09\x01\x00\x04user\x00\x00"),
    "an identity that is cut off": item(0x58, b"\x02\x01\x00\x40us"),
    "a role that is cut off": item(0x54, b"\x00\x50"),
    "an empty operations window": item(0x53, b""),
    "a version name that is too long": item(0x55, b"V" * 40),
    "a version name of no characters": item(0x55, b"\xff\xfe"),
    "an implementation class that is none": item(0x52, b"\xff" * 80),
}


@pytest.mark.parametrize("what", USER)
def test_what_the_agent_does_not_ask_for_is_skipped(what: str, peer: Peer) -> None:
    """PS3.8 9.3.1 for unknown items; the others are negotiations that nothing here hangs on."""
    assert accepted(peer, request(user=LENGTH + USER[what])) == {1: 0}
    stored(peer)


def test_an_unknown_item_beside_the_contexts_is_skipped(peer: Peer) -> None:
    assert accepted(peer, request(others=item(0x61, b"unknown"))) == {1: 0}
    stored(peer)


@pytest.mark.parametrize(
    "length", [b"", LENGTH[:4] + b"\0\0\0\0", LENGTH[:4] + b"\0\0\0\3", item(0x51, b"\1")]
)
def test_a_maximum_length_that_is_missing_or_useless_costs_no_image(length: bytes, peer: Peer) -> None:
    assert accepted(peer, request(user=length + IMPLEMENTATION)) == {1: 0}
    stored(peer)


@pytest.mark.parametrize("version", [1, 3, 0xFFFF])
def test_bit_0_of_the_protocol_version_is_the_one_that_counts(version: int, peer: Peer) -> None:
    assert accepted(peer, request(version=version)) == {1: 0}


def test_another_protocol_version_is_rejected_as_such(peer: Peer, scp: RunningScp) -> None:
    peer.send(request(version=2))
    assert peer.receive() == (REJECTED, bytes((0, 1, 2, 2)))
    assert "its protocol version is not 1" in scp.log


@pytest.mark.parametrize("ahead", [1, 5])
def test_a_release_behind_a_store_waits_for_its_answer(ahead: int, peer: Peer, scp: RunningScp) -> None:
    """Senders in a hurry do not wait for the answer before they ask to release."""
    instances = [f"1.2.3.{time.monotonic_ns()}{number}" for number in range(ahead)]
    stores = b"".join(data(1, 3, store_rq(ULTRASOUND, uid)) + data(1, 2, PATIENT) for uid in instances)
    accepted(peer, request())
    peer.send(stores + pdu(5, bytes(4)))
    assert [peer.status() for _ in instances] == [SUCCESS] * ahead
    assert peer.receive() == (RELEASED, bytes(4))
    assert all(kept(scp, uid) for uid in instances)


def test_a_release_within_a_message_is_logged(peer: Peer, scp: RunningScp) -> None:
    accepted(peer, request())
    peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3.5")), data(1, 0, PATIENT), pdu(5, bytes(4)))
    assert peer.receive() == (RELEASED, bytes(4))
    assert "released within a message, which is not stored" in scp.log


def test_a_request_in_a_context_that_was_not_accepted_is_logged(peer: Peer, scp: RunningScp) -> None:
    accepted(peer, request())
    peer.send(data(9, 3, echo_rq()))
    answer = peer.receive()
    assert answer is not None and answer[0] in (ABORTED, DATA)
    assert answer[0] == ABORTED and "presentation context 9, which was not accepted" in scp.log
