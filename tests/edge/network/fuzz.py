"""Spoilt PDUs, command sets and data sets against a running SCP; each case is named by its seed."""

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from tests.edge.network.peer import (
    ACCEPTED,
    IMPLICIT,
    Peer,
    associate_rq,
    data,
    echo_rq,
    pdu,
    store_rq,
)
from tests.edge.network.scp import VERIFICATION, RunningScp
from tests.synth.dicom import make_instance
from tests.synth.scans import make_frame

ECHO_LIMIT_S = 1.0
_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
_EXTREMES = (0, 1, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_PAUSE_S = 0.1
_CHECK_EVERY = 250  # cases


@dataclass
class Findings:
    """What came of all cases.

    Attributes:
        outcomes: how the connections ended.
        slowest_echo_s: of the C-ECHOs in between; None when one was not answered in time.
        peak_bytes: resident memory of the SCP.
        problems: what must not happen, with the seeds near it.
    """

    outcomes: "Counter[str]"
    slowest_echo_s: float
    peak_bytes: int
    problems: list[str]


def fuzz(scp: RunningScp, first: int, cases: int, threads: int = 8) -> Findings:
    """Try the seeds from `first` on."""
    found = Findings(Counter(), 0.0, 0, [])
    encoded = _data_set()
    for start in range(first, first + cases, _CHECK_EVERY):
        seeds = iter(range(start, min(start + _CHECK_EVERY, first + cases)))
        lock = threading.Lock()
        workers = [
            threading.Thread(target=_work, args=(scp.port, seeds, encoded, lock, found.outcomes))
            for _ in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        took = scp.echo_s(ECHO_LIMIT_S)
        if took is None:
            found.problems.append(f"no C-ECHO within {ECHO_LIMIT_S:g} s after the seeds from {start} on")
        else:
            found.slowest_echo_s = max(found.slowest_echo_s, took)
    found.peak_bytes = scp.resident_bytes(peak=True)
    if "Traceback" in scp.log or "fault of the program" in scp.log:
        found.problems.append("the log names a fault of the program")
    return found


def _work(
    port: int, seeds: Iterator[int], encoded: bytes, lock: threading.Lock, outcomes: "Counter[str]"
) -> None:
    while True:
        with lock:
            seed = next(seeds, None)
        if seed is None:
            return
        outcome = _case(port, random.Random(seed), encoded)
        with lock:
            outcomes[outcome] += 1


def _case(port: int, dice: random.Random, encoded: bytes) -> str:
    """One connection: a good conversation of which something is spoilt; how it ended."""
    request = associate_rq([(VERIFICATION, [IMPLICIT]), (_ULTRASOUND, [IMPLICIT])])
    store = store_rq(_ULTRASOUND, f"2.25.{dice.getrandbits(64)}")
    messages = [
        data(1, 3, echo_rq()),
        data(3, 3, store),
        data(3, 0, encoded[:9000]),
        data(3, 2, encoded[9000:]),
        pdu(5, bytes(4)),
    ]
    with contextlib.suppress(ConnectionError, TimeoutError), Peer(port, patience_s=5) as peer:
        if dice.random() < 0.3:
            peer.send(_spoilt(request, dice), *messages)
        else:
            peer.send(request)
            answer = peer.receive()
            if answer is None or answer[0] != ACCEPTED:
                return "not associated"
            if dice.random() < 0.3:  # within the command or the data set: the PDU around it is right
                inside = dice.choice([0, 1, 3])
                good = [echo_rq(), store, b"", encoded[9000:]][inside]
                messages[inside] = data(1 if inside == 0 else 3, 2 if inside == 3 else 3, _spoilt(good, dice))
            else:
                place = dice.randrange(len(messages))
                messages[place] = _spoilt(messages[place], dice)
            peer.send(*messages)
        peer.socket.settimeout(_PAUSE_S)
        last, ended = _end(peer)
        if not ended:
            peer.socket.shutdown(socket.SHUT_WR)  # what waits for more learns that nothing comes
            peer.socket.settimeout(5)
            last, ended = _end(peer)
        return last if ended else "still open"
    return "closed"


def _end(peer: Peer) -> tuple[str, bool]:
    """What the last answer says, and whether the connection has ended."""
    last = "closed"
    try:
        while (answer := peer.receive()) is not None:
            last = {6: "released", 7: "aborted", 3: "rejected"}.get(answer[0], last)
    except TimeoutError:
        return last, False
    return last, True


def _spoilt(good: bytes, dice: random.Random) -> bytes:
    bad = bytearray(good)
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        place = dice.randrange(max(1, min(len(bad), dice.choice([8, 100, 10**6]))))
        way = dice.randrange(6)
        if way == 0 and bad:
            bad[place] ^= 1 << dice.randrange(8)
        elif way == 1:
            size = dice.choice([1, 2, 4])
            value = dice.choice(_EXTREMES) & ((1 << 8 * size) - 1)
            bad[place : place + size] = struct.pack(dice.choice("<>") + {1: "B", 2: "H", 4: "I"}[size], value)
        elif way == 2:
            del bad[place : place + dice.choice([1, 2, 4, 50, 10**6])]
        elif way == 3:
            bad[place:place] = dice.randbytes(dice.choice([1, 2, 4, 50, 3000]))
        elif way == 4:
            bad[place:place] = bad[place : place + dice.choice([4, 30, 400])] * dice.choice([1, 3, 100])
        else:
            bad += dice.randbytes(dice.choice([1, 6, 2000]))
    return bytes(bad)


def _data_set() -> bytes:
    dataset = make_instance([make_frame(1).pixels[:64, :96]])
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = True, True
    write_dataset(encoded, dataset)
    return encoded.getvalue()
