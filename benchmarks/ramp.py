"""A ramp of parallel senders against the agent's receiver, with senders that are slow, dead or abort.

    python -m benchmarks.ramp
    python -m benchmarks.ramp --most 16 --seconds 5

Each step doubles the senders, 1 to 64; each sends small images one after the other on an association of its
own for some seconds, and opens a new one every ten images. All the while others connect and stay silent, stop
within a PDU or send a few bytes at a time, and ten a second abort within an image. Ends with code 1 when an
image of a well-behaved sender was not acknowledged or is not in the spool, when a file is left of one that is
gone, or when the receiver no longer answers.
"""

import argparse
import os
import socket
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.edge.network.peer import IMPLICIT, Peer, data, pdu, store_rq
from tests.edge.network.scp import AGENT, HOST, RunningScp, running

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
IMAGE_BYTES, PER_ASSOCIATION = 50_000, 10
DEAD, SLOW = 8, 8
SETTINGS = {
    "max_associations": 200,
    "max_associations_per_peer": 200,
    "max_connections": 250,
    "max_connections_per_peer": 250,
    "connect_timeout_s": 3,
    "pdu_timeout_s": 3,
    "min_free_mb": 0,
}


@dataclass
class Outcome:
    """What the senders of one step saw."""

    acknowledged: set[bytes] = field(default_factory=set)
    longest_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most", type=int, default=64, help="senders of the last step (64)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each step (5)")
    args = parser.parse_args()
    table = Table(
        title=f"images of {IMAGE_BYTES // 1000} kB; beside them {DEAD} dead and {SLOW} slow senders"
    )
    for column in ("senders", "images/s", "longest answer", "failed", "resident MB", "threads", "C-ECHO"):
        table.add_column(column, justify="right")
    acknowledged: set[bytes] = set()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder, running(AGENT, Path(folder), **SETTINGS) as scp:
        stop = threading.Event()
        disturbers = [threading.Thread(target=act, args=(scp.port, stop)) for act in DISTURBERS]
        for one in disturbers:
            one.start()
        count = 1
        while count <= args.most:
            outcome = _step(scp.port, count, args.seconds)
            echo = scp.echo_s(10)
            acknowledged |= outcome.acknowledged
            failures += outcome.failures + ([] if echo else [f"no C-ECHO with {count} senders"])
            table.add_row(
                str(count),
                f"{len(outcome.acknowledged) / args.seconds:.0f}",
                f"{outcome.longest_s:.2f} s",
                str(len(outcome.failures)),
                f"{scp.resident_bytes() / 2**20:.0f}",
                str(scp.threads()),
                f"{echo:.2f} s" if echo else "none",
            )
            count *= 2
        stop.set()
        for one in disturbers:
            one.join()
        failures += _afterwards(scp, acknowledged)
    Console(width=110).print(table)
    print(
        f"{len(acknowledged)} images acknowledged, all in the spool" if not failures else "\n".join(failures)
    )
    return 1 if failures else 0


def _step(port: int, count: int, seconds: float) -> Outcome:
    outcome, end = Outcome(), time.monotonic() + seconds
    senders = [threading.Thread(target=_send, args=(port, end, outcome)) for _ in range(count)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    return outcome


def _send(port: int, end: float, outcome: Outcome) -> None:
    """One well-behaved sender."""
    while time.monotonic() < end:
        try:
            with Peer(port) as peer:
                peer.associate([(ULTRASOUND, [IMPLICIT])])
                for _ in range(PER_ASSOCIATION):
                    mark = os.urandom(16)
                    body = mark + bytes(IMAGE_BYTES - 16)
                    began = time.monotonic()
                    instance = f"2.25.{int.from_bytes(mark, 'big')}"
                    peer.send(data(1, 3, store_rq(ULTRASOUND, instance)), data(1, 2, body))
                    status = peer.status()
                    with outcome.lock:
                        outcome.longest_s = max(outcome.longest_s, time.monotonic() - began)
                        if status:
                            outcome.failures.append(f"status 0x{status:04X}")
                        else:
                            outcome.acknowledged.add(mark)
                peer.send(pdu(5, bytes(4)))
                peer.receive()
        except Exception as error:
            with outcome.lock:
                outcome.failures.append(repr(error))


def _dead(port: int, stop: threading.Event) -> None:
    """Connections that say nothing, or stop within a PDU; opened again when the agent ends them."""
    while not stop.is_set():
        peers = [Peer(port) for _ in range(DEAD)]
        for peer in peers[::2]:
            peer.associate([(ULTRASOUND, [IMPLICIT])])
            peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3"))[:-5])
        stop.wait(4)
        for peer in peers:
            peer.socket.close()


def _slow(port: int, stop: threading.Event) -> None:
    """Whole PDUs, but tiny and far apart."""
    peers = [Peer(port) for _ in range(SLOW)]
    for peer in peers:
        peer.associate([(ULTRASOUND, [IMPLICIT])])
        peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")))
    while not stop.wait(0.2):
        for peer in peers:
            peer.send(data(1, 0, b"slow"))
    for peer in peers:
        peer.socket.close()


def _aborting(port: int, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        with Peer(port) as peer:
            peer.associate([(ULTRASOUND, [IMPLICIT])])
            peer.send(data(1, 3, store_rq(ULTRASOUND, "1.2.3")), data(1, 0, bytes(10_000)))
            peer.send(pdu(7, b"\0\0\0\0"))


def _vanishing(port: int, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        socket.create_connection((HOST, port)).close()


DISTURBERS = (_dead, _slow, _aborting, _vanishing)


def _afterwards(scp: RunningScp, acknowledged: set[bytes]) -> list[str]:
    """What is wrong once all is quiet."""
    time.sleep(5)  # the deadlines of what was left open
    found = {path.read_bytes()[-IMAGE_BYTES:][:16] for path in scp.spool.glob("*.dcm")}
    problems = [f"{len(acknowledged - found)} acknowledged, not in the spool"] if acknowledged - found else []
    if rest := list((scp.spool / "incoming").iterdir()):
        problems.append(f"{len(rest)} files left of senders that are gone")
    if "fault of the program" in scp.log or "Traceback" in scp.log:
        problems.append("the log names a fault of the program")
    return problems


if __name__ == "__main__":
    raise SystemExit(main())
