"""`edge quarantine`: instances that took the worker down three times; they wait for a person."""

import argparse
import json

from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("what", choices=("list", "show", "retry", "drop"), help="drop removes it for good")
    parser.add_argument("name", nargs="?", metavar="NAME", help="its UID, or the start of its file's name")
    parser.add_argument("--json", action="store_true", help="for programs")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.control import by
    from edge.sockets.requests import request
    from edge.view.text import safe
    from scanside.errors import SettingError

    settings = options.settings(args)
    if (args.what == "list") == (args.name is not None):
        raise SettingError("say which: edge quarantine show|retry|drop NAME; list takes no name.")
    if args.what in ("retry", "drop"):
        said = request(settings, {"do": args.what, "name": args.name, "by": by()})[args.what]
        done = "is scored again" if args.what == "retry" else "was removed"
        print(json.dumps(said, indent=2) if args.json else safe(f"{said['sop_instance_uid']} {done}"))
        return 0
    notes = request(settings, {"do": "quarantine"})["notes"]
    if args.what == "show":
        notes = [
            note
            for note in notes
            if note["sop_instance_uid"] == args.name or note["file"].startswith(args.name)
        ]
        if len(notes) != 1:
            raise SettingError(f"{len(notes)} instances in quarantine by '{args.name}'.")
    if args.json:
        print(json.dumps(notes if args.what == "list" else notes[0], indent=2))
    elif args.what == "show":
        print("\n".join(safe(f"{name:18} {value}") for name, value in notes[0].items()))
    else:
        for note in notes:
            print(
                safe(
                    f"{note['since'][:19]}  {note['file'][:12]}  {note['sop_instance_uid']}  {note['reason']}"
                )
            )
        print(f"{len(notes)} in quarantine")
    return 0
