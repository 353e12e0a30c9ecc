"""`edge purge`: remove all that is kept of a patient or of a study, wherever it lies."""

import argparse
import json
import sys

from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--patient", metavar="ID", help="Patient ID (0010,0020), exactly")
    which.add_argument("--study", metavar="UID", help="Study Instance UID (0020,000D)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print what was removed for programs")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.control import by
    from edge.sockets.requests import request
    from scanside.errors import SettingError

    settings = options.settings(args)
    if not (args.patient or args.study):
        raise SettingError("--patient and --study want a value.")
    wanted = {"do": "purge", "patient": args.patient, "study": args.study, "by": by(), "dry": not args.yes}
    if not args.yes:
        found = request(settings, wanted)
        print(f"To be removed: {_told(found)}", file=sys.stderr)
        if not sys.stdin.isatty():
            raise SettingError("nothing was removed: without a terminal, say --yes.")
        print("Remove it for good? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise SettingError("nothing was removed.")
    removed = request(settings, {**wanted, "dry": False})
    told = f"Removed: {_told(removed)}" if any(removed.values()) else "Nothing is kept of it."
    print(json.dumps(removed, indent=2) if args.json else told)
    return 0


def _told(removed: dict[str, int]) -> str:
    told = (
        f"{removed['instances']} instances with their results and pictures, {removed['replaced']} earlier "
        f"versions, {removed['quarantined']} in quarantine, {removed['indexes']} damaged indexes, "
        f"{removed['entries']} entries of people"
    )
    if removed["unknown"]:
        told += (
            f". Of {removed['unknown']} files put aside nobody knows the patient; they stay: "
            "see edge quarantine list, spool/replaced"
        )
    return told
