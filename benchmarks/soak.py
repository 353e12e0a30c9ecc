"""Sends many small instances to a running agent and watches the memory of each of its processes.

    python -m benchmarks.soak --count 10000 --minutes 10

Instances are small copies of one scan under UIDs of their own, scored by a model made for tests. Prints the
resident memory of each process as it goes; after the first thousand it should be flat. At the end, for each
process, its memory then and now, and the processor time that an instance cost it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from benchmarks.scps import processor_s
from edge.network.pdu import RELEASE_RQ
from edge.sockets.control import ask
from tests.edge.network.peer import IMPLICIT, Peer, pdu, store_rq
from tests.edge.network.peer import data as data_unit
from tests.synth.bundle import make_bundle
from tests.synth.dicom import MAKERS, make_instance
from tests.synth.scans import make_frame

PARTS = ("supervisor", "receiver", "agent", "worker")
PER_ASSOCIATION, MOST_WAITING = 250, 200


def main() -> int:
    args = _arguments()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder, data = Path(name), Path(name) / "data"
        (folder / "bundle").mkdir()
        bundle = make_bundle(folder / "bundle", clinical=False)
        options = ["--data", str(data), "--bundle", str(bundle), "--allow-test-bundle", "--port", "0"]
        with (folder / "log").open("wb") as log:
            agent = subprocess.Popen([sys.executable, "-m", "edge.cli", "serve", *options], stderr=log)
        try:
            return _soak(args, data)
        finally:
            agent.terminate()
            agent.wait()


def _soak(args: argparse.Namespace, data: Path) -> int:
    status = _ready(data)
    sop_class, encoded, uid = _instance()
    before = {part: processor_s(_pid(status, part)) for part in PARTS}
    before["this sender"] = time.process_time()
    begin, sent, memory = time.monotonic(), 0, []
    print(f"{'sent':>7} {'done':>7} {'s':>6}  resident MB: {'  '.join(PARTS)}")
    while sent < args.count and time.monotonic() - begin < 60 * args.minutes:
        with Peer(status["agent"]["port"], patience_s=30) as peer:
            peer.associate([(sop_class, [IMPLICIT])])
            for _ in range(min(PER_ASSOCIATION, args.count - sent)):
                own = f"2.25.{10**37 + sent}"  # as long as the first's
                body = encoded.replace(uid.encode(), own.encode())
                peer.send(data_unit(1, 3, store_rq(sop_class, own)), data_unit(1, 2, body))
                if answer := peer.status():
                    raise SystemExit(f"instance {sent} was answered 0x{answer:04X}")
                sent += 1
            peer.send(pdu(RELEASE_RQ, bytes(4)))
            peer.receive()
        while (status := _status(data))["agent"]["queue"] > MOST_WAITING:
            time.sleep(0.2)
        memory.append((sent, *(_resident_mb(_pid(status, part)) for part in PARTS)))
        done = status["rows"].get("scored", 0)
        told = "  ".join(f"{megabytes:.1f}" for megabytes in memory[-1][1:])
        print(f"{sent:7} {done:7} {time.monotonic() - begin:6.0f}  {told}", flush=True)
    while (status := _status(data))["agent"]["queue"] or "pending" in status["rows"]:
        time.sleep(0.2)
    seconds = time.monotonic() - begin
    print(f"{sent} sent; results {status['rows']}; {1e3 * seconds / max(1, sent):.1f} ms each")
    spent = {part: processor_s(_pid(status, part)) - before[part] for part in PARTS}
    spent["this sender"] = time.process_time() - before["this sender"]
    told = ", ".join(f"{part} {1e3 * value / max(1, sent):.1f}" for part, value in spent.items())
    print(f"processor time of each, in ms: {told}; load average {os.getloadavg()[0]:.1f}")
    return _grown(memory)


def _instance() -> tuple[str, bytes, str]:
    """SOP class, encoded data set (implicit VR) and UID of the instance of which all are copies."""
    dataset = make_instance([make_frame(1).pixels[::4, ::4]], maker=MAKERS[0])
    dataset.SOPInstanceUID = uid = f"2.25.{10**37}"
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, dataset)
    return str(dataset.SOPClassUID), stream.getvalue(), uid


def _grown(memory: list[tuple[float, ...]]) -> int:
    """Compare each process after the first thousand with its end."""
    early = [row for row in memory if row[0] >= 1000]
    if len(early) < 2:
        print("fewer than 1000 were sent: nothing can be said of growth")
        return 1
    for number, part in enumerate(PARTS, 1):
        first, last = early[0], early[-1]
        print(f"{part:10} {first[number]:7.1f} MB after {first[0]}, {last[number]:7.1f} MB at the end")
    return 0


def _pid(status: dict, part: str) -> int:  # type: ignore[type-arg]
    found = status["processes"][part]
    return found if isinstance(found, int) else found["pid"]


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024


def _status(data: Path) -> dict:  # type: ignore[type-arg]
    status = ask(data, {"do": "status"}, 30.0)
    if status is None:
        raise SystemExit("the agent is gone")
    return status


def _ready(data: Path) -> dict:  # type: ignore[type-arg]
    for _ in range(1200):
        status = ask(data, {"do": "status"}, 30.0) if data.exists() else None
        if status and status["agent"]["state"] == "ready":
            return status
        time.sleep(0.1)
    raise SystemExit("the agent does not become ready")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="instances to send (10000)")
    parser.add_argument("--minutes", type=float, default=10.0, help="at most so long, then fewer (10)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
