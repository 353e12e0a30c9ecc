"""What an instance costs while its study grows and a view is open: `python -m benchmarks.study_size`.

Index, messages and one view, without network and scoring: processor time of this process for each thousand.
"""

import argparse
import socket
import tempfile
import threading
import time
from pathlib import Path

from edge.entries.arrivals import Arrivals
from edge.entries.finding import Found, ScanFound
from edge.protocol.row import SCORED, Patient, Preview, Row, now
from edge.sockets.events import EventHub, socket_address
from edge.sockets.telling import Telling
from edge.storage.entered import ASKED, CENTRE, FINAL_AFTER_S, UNKNOWN
from edge.storage.spool import Spooled
from edge.storage.store import Store
from scanside.assess.cases import CaseRisk

_STUDY, _PATIENT = "1.2.3", Patient("A^B", "1")
_FOUND = Found(0.5, [ScanFound([CaseRisk({}, 0.2, {"benign": 0.8})], (), "contour", 1.0, (0, 0, 9, 9))])
_BLOCK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="instances in the study")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        store = Store(data)
        store.settle({CENTRE: UNKNOWN, ASKED: "[]", FINAL_AFTER_S: "120"})
        hub = EventHub(data, lambda: {"event": "snapshot"}, lambda: {"event": "heartbeat"})
        telling = Telling(hub, store, Arrivals(120.0))
        hub.start()
        threading.Thread(target=_watch, args=(data,), daemon=True).start()
        while not hub.watched:
            time.sleep(0.01)
        costs = []
        for first in range(0, arguments.count, _BLOCK):
            began = time.process_time()
            for number in range(first, first + _BLOCK):
                _add(store, telling, number)
                telling.catch_up()
            costs.append(1e3 * (time.process_time() - began) / _BLOCK)
            print(f"{first + _BLOCK:6d} instances: {costs[-1]:6.2f} ms of processor time each", flush=True)
        print(f"last thousand / first thousand: {costs[-1] / costs[0]:.2f}")
        hub.close()
        store.close()


def _add(store: Store, telling: Telling, number: int) -> None:
    """One instance, from its arrival to its result."""
    uid, file, received_at = f"1.2.3.{number}", f"{number}.dcm", now()
    added = store.add(Spooled(file, uid, received_at))
    assert added.row is not None
    telling.row(added.row)
    for view in store.expand(added.receipt, _STUDY, _PATIENT, [1]):
        telling.row(view)
    done = Row(uid, 1, _STUDY, state=SCORED, risk=0.2, above_threshold=False, received_at=received_at,
               assessed_at=now(), bundle_digest="ab", model="m")  # fmt: skip
    view = store.finish(added.receipt, done, Preview(b"png" * 2000, 100, 100, []), _FOUND)
    assert view is not None
    telling.row(view)


def _watch(data: Path) -> None:
    """A view that reads everything."""
    with socket.socket(socket.AF_UNIX) as connection:
        with socket_address(data) as address:
            connection.connect(address)
        while connection.recv(1 << 20):
            pass


if __name__ == "__main__":
    main()
