"""Limits and deadlines of the receiver: a peer beyond one costs its own connection and nobody else's."""

import contextlib
import socket
import ssl
import struct
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

from edge.network.pdu import MAX_ASSOCIATE_BYTES
from edge.network.stack import Connection
from tests.edge.network.peer import ABORTED, IMPLICIT, Peer, data, store_rq
from tests.edge.network.scp import AGENT, HOST, running
from tests.edge.running import wait_for

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def test_an_association_request_above_the_limit_is_aborted_by_its_length(tmp_path: Path) -> None:
    with running(AGENT, tmp_path) as scp, Peer(scp.port) as peer:
        peer.send(struct.pack(">BxI", 1, MAX_ASSOCIATE_BYTES + 1))  # and nothing of what it announces
        answer = peer.receive()
        assert answer is None or answer[0] == ABORTED
        assert f"with {MAX_ASSOCIATE_BYTES + 1} bytes, {MAX_ASSOCIATE_BYTES} are allowed" in scp.log


def test_a_pdu_that_stays_incomplete_ends_in_time(tmp_path: Path) -> None:
    settings = {"association_timeout_s": 0.5, "pdu_timeout_s": 0.5}
    with running(AGENT, tmp_path, **settings) as scp, Peer(scp.port, patience_s=10) as peer:
        peer.associate()
        peer.send(b"\x04\x00\x00")
        assert peer.receive() is None


def test_silent_connections_leave_room_for_those_that_associate(tmp_path: Path) -> None:
    with running(AGENT, tmp_path, max_associations=4) as scp, contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket.create_connection((HOST, scp.port)))
        time.sleep(0.2)
        assert scp.echo_s(5) is not None


def test_connections_that_are_closed_again_leave_room_at_once(tmp_path: Path) -> None:
    with running(AGENT, tmp_path, max_associations=4, max_connections_per_peer=8) as scp:
        for _ in range(3):
            for _ in range(8):
                socket.create_connection((HOST, scp.port)).close()
            time.sleep(0.3)
        assert scp.echo_s(5) is not None


def test_a_tls_handshake_holds_nobody_else_up(
    tmp_path: Path, tls_files: dict[str, str], tls_client: ssl.SSLContext
) -> None:
    with running(AGENT, tmp_path, **tls_files) as scp:
        assert scp.echo_s(10, tls_client) is not None
        with socket.create_connection((HOST, scp.port)):
            time.sleep(0.2)
            assert scp.echo_s(10, tls_client) is not None


def test_a_sender_that_dies_leaves_no_file(tmp_path: Path) -> None:
    with running(AGENT, tmp_path) as scp:
        with Peer(scp.port) as peer:
            peer.associate([(ULTRASOUND, [IMPLICIT])])
            peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 0, bytes(100_000)))
            wait_for(lambda: list(scp.spool.glob("incoming/*")), "the first fragment")
        wait_for(lambda: not list(scp.spool.glob("incoming/*")), "its removal")
        assert not list(scp.spool.glob("*.dcm"))


def test_an_answer_that_nobody_reads_is_given_up_in_time() -> None:
    """The send buffer is filled here; then the connection counts as closed (Evt17 of PS3.8 table 9-10)."""
    ours, theirs = socket.socketpair()
    events: deque[str] = deque()
    layer = SimpleNamespace(event_queue=SimpleNamespace(put=events.append))
    with ours, theirs:
        connection = Connection(SimpleNamespace(dul=layer), ours, timeout_s=0.3)
        events.clear()  # the connection's own
        began = time.monotonic()
        connection.send(bytes(1 << 22))
        assert list(events) == ["Evt17"]
        assert 0.2 < time.monotonic() - began < 5
