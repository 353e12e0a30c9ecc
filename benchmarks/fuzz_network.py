"""Spoilt PDUs, command sets and data sets to the agent's receiver: does it answer on, in what memory?

    python -m benchmarks.fuzz_network --cases 20000

Ends with code 1 where a C-ECHO in between took more than a second, where the receiver's memory passed the
bound that follows from its settings, or where its log names a fault of the program.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.edge.network.fuzz import ECHO_LIMIT_S, fuzz
from tests.edge.network.scp import AGENT, running


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (0)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(AGENT, Path(folder), min_free_mb=0) as scp:
        before, start = scp.resident_bytes(peak=True), time.monotonic()
        found = fuzz(scp, args.first, args.cases)
        seconds = time.monotonic() - start
    print(f"{found.outcomes.total()} cases in {seconds:.0f} s")
    for outcome, count in found.outcomes.most_common():
        print(f"{count:8} {outcome}")
    print(f"slowest C-ECHO in between {found.slowest_echo_s:.3f} s, {ECHO_LIMIT_S:g} s are allowed")
    print(f"resident memory {found.peak_bytes / 2**20:.0f} MiB at most, {before / 2**20:.0f} MiB before")
    for problem in found.problems:
        print(problem)
    return 1 if found.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
