"""Ways to stop or bloat pynetdicom's own server. Each must harm it here, and must not harm the agent.

When a new version of pynetdicom mends one, the test says so by failing for the stock server.
"""

import contextlib
import os
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest

from tests.edge.network.peer import IMPLICIT, Peer, data, echo_rq, store_rq
from tests.edge.network.scp import AGENT, HOST, STOCK, STOCK_CHUNKED, running
from tests.edge.running import wait_for

MB = 1 << 20
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc (Linux)")
stock = pytest.param(STOCK, marks=pytest.mark.slow)
both = pytest.mark.parametrize("kind", [stock, AGENT])


@both
def test_an_unassociated_peer_can_not_fill_the_memory(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as scp, socket.create_connection((HOST, scp.port)) as connection:
        before = scp.resident_bytes()
        with contextlib.suppress(ConnectionError):
            connection.sendall(struct.pack(">BxI", 1, 0xFFFFFFF0))
            for _ in range(100):
                connection.sendall(bytes(MB))
        time.sleep(0.5)
        grown = scp.resident_bytes() - before
        assert grown > 60 * MB if kind == STOCK else grown < 4 * MB


@both
def test_a_pdu_that_stays_incomplete_ends_in_time(kind: str, tmp_path: Path) -> None:
    settings = {"association_timeout_s": 0.5, "pdu_timeout_s": 0.5}
    with running(kind, tmp_path, **settings) as scp, Peer(scp.port, patience_s=4) as peer:
        peer.associate()
        peer.send(b"\x04\x00\x00")
        assert _ends(peer.socket) == (kind == AGENT)


@both
def test_silent_connections_leave_room_for_those_that_associate(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path, max_associations=4) as scp, contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(socket.create_connection((HOST, scp.port)))
        time.sleep(0.2)
        assert (scp.echo_s(5) is not None) == (kind == AGENT)


@both
def test_connections_that_are_closed_again_leave_room_at_once(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path, max_associations=4, max_connections_per_peer=8) as scp:
        for _ in range(3):
            for _ in range(8):
                socket.create_connection((HOST, scp.port)).close()
            time.sleep(0.3)
        assert (scp.echo_s(5) is not None) == (kind == AGENT)


@both
def test_a_silent_tls_client_stops_nobody_else(
    kind: str, tmp_path: Path, tls_files: dict[str, str], tls_client: ssl.SSLContext
) -> None:
    with running(kind, tmp_path, **tls_files) as scp:
        assert scp.echo_s(10, tls_client) is not None
        with socket.create_connection((HOST, scp.port)):
            time.sleep(0.2)
            assert (scp.echo_s(4, tls_client) is not None) == (kind == AGENT)


@pytest.mark.parametrize("kind", [pytest.param(STOCK_CHUNKED, marks=pytest.mark.slow), AGENT])
def test_a_sender_that_dies_leaves_no_file(kind: str, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with running(kind, tmp_path, environment={**os.environ, "TMPDIR": str(temporary)}) as scp:
        with Peer(scp.port) as peer:
            peer.associate([(ULTRASOUND, [IMPLICIT])])
            peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 0, bytes(10_000)))
            wait_for(lambda: _received(tmp_path), "the first fragment")
        if kind == AGENT:
            wait_for(lambda: not _received(tmp_path), "its removal")
        else:
            time.sleep(1)
            assert _received(tmp_path)


@both
def test_a_peer_that_never_reads_its_answers_is_let_go(kind: str, tmp_path: Path) -> None:
    """It asks without end; the answers fill its window, then the server's buffers, then its memory."""
    with running(kind, tmp_path, pdu_timeout_s=1, association_timeout_s=30) as scp, Peer(scp.port, 3) as peer:
        peer.associate()
        many = b"".join(data(1, 3, echo_rq(number)) for number in range(1000))
        ended = False
        try:
            for _ in range(400):  # more than any buffer of the system holds
                peer.send(many)
        except TimeoutError:
            pass
        except ConnectionError:
            ended = True
        assert ended == (kind == AGENT)


def _received(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*/**/*") if path.suffix in (".part", ".dcm")]


def _ends(connection: socket.socket) -> bool:
    try:
        while connection.recv(1000):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True
