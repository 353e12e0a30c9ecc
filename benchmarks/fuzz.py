"""Spoilt files of every transfer syntax, from the file to the network's input: what comes of them.

    python -m benchmarks.fuzz --cases 20000

Ends with code 1 where a case crashed, hung, took too much memory or raised what it must not.
"""

import argparse
import time

from tests.synth.fuzz import CASE_LIMIT_S, MEMORY_LIMIT_BYTES, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed (0)")
    args = parser.parse_args()
    start = time.monotonic()
    outcomes, findings, peak = fuzz(args.first, args.cases)
    print(
        f"{sum(outcomes.values())} cases in {time.monotonic() - start:.0f} s; {CASE_LIMIT_S} s a case at most"
    )
    for outcome, count in outcomes.most_common():
        print(f"{count:8} {outcome}")
    print(
        f"resident memory {peak / 2**10:.0f} MiB at most, addresses limited to {MEMORY_LIMIT_BYTES >> 20} MiB"
    )
    for seed, finding in findings.items():
        print(f"seed {seed}: {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
