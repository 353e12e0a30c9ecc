"""How long a fresh still waits for its result while others send, and behind a backlog.

    python -m benchmarks.turns --queued 10000
    python -m benchmarks.turns --senders 7

An agent with the default model. First stills one at a time, alone: their own time. Then small images are
queued by one machine, or machines send such images without a pause, each over an association of its own; and
another machine sends the same stills again, one a second. Prints both, as p50 and p95 of received to stored.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from edge.network.pdu import RELEASE_RQ
from edge.sockets.control import ask
from tests.edge.network.peer import IMPLICIT, Peer, pdu, store_rq
from tests.edge.network.peer import data as data_unit
from tests.synth.dicom import MAKERS, make_instance
from tests.synth.scans import make_frame

_STILLS, _PER_ASSOCIATION, _PATIENCE_S = 20, 500, 120.0
_LOWEST = 19  # priority of the senders: a scanner does not compute on the agent's processor


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        data = Path(name) / "data"
        command = [sys.executable, "-m", "edge.cli", "serve", "--data", str(data), "--port", "0"]
        with (Path(name) / "log").open("wb") as log:
            agent = subprocess.Popen(command, stderr=log)
        try:
            port = _ready(data)
            alone = _push_stills(data, port, 0, pause_s=0.5)
            _report("alone", alone)
            with _others(args, port):
                beside = _push_stills(data, port, _STILLS, pause_s=1.0)
            what = f"behind {args.queued} images" if args.queued else f"beside {args.senders} senders"
            _report(what, beside)
            later = np.percentile(beside, 95) - np.percentile(alone, 95)
            waiting = ask(data, {"do": "status"}, _PATIENCE_S)
            left = waiting["agent"]["queue"] if waiting else 0
            print(f"p95 beyond its own: {later:.0f} ms; jobs that still wait: {left}; "
                  f"load average {os.getloadavg()[0]:.1f}")  # fmt: skip
        finally:
            agent.kill()
            agent.wait()


@contextmanager
def _others(args: argparse.Namespace, port: int) -> Iterator[None]:
    """The backlog, or the senders as long as the block runs."""
    if args.queued:
        _send_small(port, "BACKLOG", 0, args.queued)
        time.sleep(2.0)
        yield
        return
    stop = multiprocessing.Event()
    senders = [
        multiprocessing.Process(target=_flood, args=(port, f"SENDER{number}", number, stop), daemon=True)
        for number in range(args.senders)
    ]
    for sender in senders:
        sender.start()
    time.sleep(5.0)
    yield
    stop.set()
    for sender in senders:
        sender.join(10)
        sender.kill()


def _flood(port: int, title: str, number: int, stop: Any) -> None:
    os.nice(_LOWEST)
    sent = 0
    while not stop.is_set():
        _send_small(port, title, (number + 1) * 10**7 + sent, _PER_ASSOCIATION, stop)
        sent += _PER_ASSOCIATION


def _send_small(port: int, title: str, first: int, count: int, stop: Any = None) -> None:
    sop_class, encoded, uid = _encoded(4)
    for begin in range(first, first + count, _PER_ASSOCIATION):
        with Peer(port, patience_s=_PATIENCE_S) as peer:
            peer.associate([(sop_class, [IMPLICIT])], calling=title)
            for number in range(begin, min(begin + _PER_ASSOCIATION, first + count)):
                if stop is not None and stop.is_set():
                    return
                _store(peer, sop_class, encoded, uid, number)
            peer.send(pdu(RELEASE_RQ, bytes(4)))
            peer.receive()


def _push_stills(data: Path, port: int, first: int, pause_s: float) -> list[float]:
    """Milliseconds from received to stored of each still, one after the other."""
    sop_class, encoded, uid = _encoded(1)
    latencies = []
    for number in range(first, first + _STILLS):
        with Peer(port, patience_s=_PATIENCE_S) as peer:
            peer.associate([(sop_class, [IMPLICIT])], calling="COUCH")
            own = _store(peer, sop_class, encoded, uid, 10**9 + number)
            peer.send(pdu(RELEASE_RQ, bytes(4)))
            peer.receive()
        end = time.monotonic() + _PATIENCE_S
        while not (row := _row(data, own)) or row["state"] == "pending":
            if time.monotonic() > end:
                raise SystemExit(f"a still had no result after {_PATIENCE_S:.0f} s")
            time.sleep(0.25)
        latencies.append(float(row["latency_ms"]))
        time.sleep(pause_s)
    return latencies


def _store(peer: Peer, sop_class: str, encoded: bytes, uid: str, number: int) -> str:
    own = f"2.25.{10**37 + number}"  # as long as the first's
    peer.send(data_unit(1, 3, store_rq(sop_class, own)))
    body = encoded.replace(uid.encode(), own.encode())
    for at in range(0, len(body), 100_000):
        last = at + 100_000 >= len(body)
        peer.send(data_unit(1, 2 if last else 0, body[at : at + 100_000]))
    if answer := peer.status():
        raise SystemExit(f"instance {number} was answered 0x{answer:04X}")
    return own


def _row(data: Path, uid: str) -> dict[str, Any] | None:
    import sqlite3

    from edge.storage.index import read_index

    index = read_index(data)
    try:
        found = index.execute(
            "SELECT state, json_extract(row, '$.latency_ms') FROM frames WHERE sop_instance_uid = ?", (uid,)
        ).fetchone()
    except sqlite3.Error:
        return None
    finally:
        index.close()
    return {"state": found[0], "latency_ms": found[1]} if found else None


def _encoded(by: int) -> tuple[str, bytes, str]:
    """SOP class, encoded data set (implicit VR) and UID of the image of which all are copies."""
    dataset = make_instance([make_frame(1).pixels[::by, ::by]], maker=MAKERS[0])
    dataset.SOPInstanceUID = uid = f"2.25.{10**37}"
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, dataset)
    return str(dataset.SOPClassUID), stream.getvalue(), uid


def _ready(data: Path) -> int:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        status = ask(data, {"do": "status"}, _PATIENCE_S) if data.exists() else None
        if status and status["agent"]["state"] == "ready":
            return int(status["agent"]["port"])
        time.sleep(0.1)
    raise SystemExit("the agent does not become ready")


def _report(name: str, latencies: list[float]) -> None:
    p50, p95 = np.percentile(latencies, (50, 95))
    print(f"{name:28} p50 {p50:6.0f} ms, p95 {p95:6.0f} ms, {len(latencies)} stills", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--queued", type=int, default=0, metavar="N", help="images of one machine that wait")
    how.add_argument("--senders", type=int, default=0, metavar="N", help="machines that send all the time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
