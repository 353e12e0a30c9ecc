"""`edge purge`: remove all that is kept of a patient or of a study, wherever it lies."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from edge.commands import options
from scanside.command import say
from scanside.errors import SettingError

_SHOWN = 5  # names of files that nobody can read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--patient", metavar="ID", help="Patient ID (0010,0020), exactly")
    which.add_argument("--study", metavar="UID", help="Study Instance UID (0020,000D)")
    parser.add_argument("--issuer", metavar="NAME", help="of the ID (0010,0021), where several gave it out")
    parser.add_argument("--unreadable", action="store_true", help="also files that hide whose they are")
    parser.add_argument("--yes", action="store_true", help="do not ask; refused where it is several people's")
    parser.add_argument("--all-names", action="store_true", help="with --yes: of all people who have this ID")
    parser.add_argument("--json", action="store_true", help="print what was removed for programs")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.control import by
    from edge.sockets.requests import request

    settings = options.settings(args)
    if not (args.patient or args.study):
        raise SettingError("--patient and --study want a value.")
    if args.issuer is not None and not args.patient:
        raise SettingError("--issuer says whose ID --patient is: give both.")
    what = {"do": "purge", "patient": args.patient, "issuer": args.issuer, "study": args.study, "by": by()}
    what["unreadable"] = args.unreadable
    found = request(settings, {**what, "dry": True})
    if not _anything(found, args.unreadable):
        told = f"nothing is kept of {_named(args)}: {found['looked_at']} files were looked at."
        print(json.dumps(found, indent=2)) if args.json else None
        for line in (told, *_left(found)):
            say("edge", line)
        return 1
    _confirm(args, found)
    removed = request(settings, {**what, "dry": False})
    print(json.dumps(removed, indent=2) if args.json else f"Removed: {_counted(removed)}.")
    problems = list(_left(removed))
    for line in problems:
        say("edge", line)
    return 1 if problems else 0


def _confirm(args: argparse.Namespace, found: Mapping[str, Any]) -> None:
    """Show what is to be removed, and ask.

    Raises:
        SettingError: the answer is no, or nobody can be asked.
    """
    several = len(found["people"]) > 1 and not args.all_names
    if args.yes and not several:
        return
    for line in _whose(found):
        print(line, file=sys.stderr)
    print(f"To be removed: {_counted(found)}.", file=sys.stderr)
    if several:
        print(f"! {_named(args)} is of {len(found['people'])} people, or of one under several names.",
              file=sys.stderr)  # fmt: skip
    if args.yes:
        raise SettingError("nothing was removed: say --issuer, or --study, or --all-names for all of them.")
    if not sys.stdin.isatty():
        raise SettingError("nothing was removed: without a terminal, say --yes.")
    print("Remove it for good? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise SettingError("nothing was removed.")


def _anything(found: Mapping[str, Any], unreadable: bool) -> bool:
    """Whether there is anything to remove; nobody can say whose a damaged index or line of the journal is."""
    counts = ("instances", "replaced", "quarantined", "indexes", "entries")
    return any(found[key] for key in counts) or (unreadable and bool(found["unreadable"]))


def _named(args: argparse.Namespace) -> str:
    if args.study:
        return f"study {args.study}"
    return f"patient ID {args.patient!r}" + (f" of issuer {args.issuer!r}" if args.issuer is not None else "")


def _whose(found: Mapping[str, Any]) -> Iterator[str]:
    from edge.view.text import safe

    for one in found["people"]:
        told = [one["name"] or "no name", f"ID {one['patient_id'] or 'none'}"]
        told += [f"issuer {one['issuer']}"] if one["issuer"] else []
        told += [f"born {_date(one['birth_date'])}"] if one["birth_date"] else []
        yield safe(", ".join(told))
        for study in one["studies"]:
            date = f"of {_date(study['date'])}" if study["date"] else "without a date"
            files = "1 file" if study["files"] == 1 else f"{study['files']} files"
            yield "  " + safe(f"study {study['study'] or 'without a UID'} {date}: {files}")


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text


def _counted(removed: Mapping[str, Any]) -> str:
    return (
        f"{removed['instances']} instances with their results and pictures, {removed['replaced']} earlier "
        f"versions, {removed['quarantined']} in quarantine, {removed['indexes']} damaged indexes, "
        f"{removed['entries']} entries of people"
    )


def _left(removed: Mapping[str, Any]) -> Iterator[str]:
    """What of it may still be there."""
    files = removed["unreadable"]
    if files:
        more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        count = "1 file hides" if len(files) == 1 else f"{len(files)} files hide"
        yield f"{count} whose it is: {', '.join(files[:_SHOWN])}{more}. With --unreadable that goes too."
    if removed["log_is_kept"]:
        yield (
            "another program reads results.sqlite, or there is no room for a copy of it, so it still holds "
            "what was removed. Close it or make room; the agent clears it within a minute."
        )
