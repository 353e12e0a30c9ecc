"""`edge rescore`: score studies again, with the model that the agent runs by now."""

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge.commands import options
from scanside.command import say
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--study", metavar="UID", help="Study Instance UID (0020,000D)")
    which.add_argument(
        "--since", metavar="TIME", help="studies with an image received since then: 30m, 2h, 3d, 2026-12-01"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print for programs how many they are")


def main(args: argparse.Namespace) -> int:
    from edge.commands.results import read_time
    from edge.sockets.requests import request

    if args.study == "":
        raise SettingError("--study wants a value.")
    settings = options.settings(args)
    since = read_time(args.since, datetime.now().astimezone()).isoformat() if args.since is not None else None
    what = {"do": "rescore", "study": args.study, "since": since}
    found = request(settings, {**what, "dry": True})
    if not found["slides"]:
        which = f"of study {args.study}" if args.study else f"since {args.since}"
        raise SettingError(f"no results {which} to score again{_left(found)}. Check the spelling.")
    _confirm(args, found)
    done = request(settings, {**what, "dry": False})
    if args.json:
        print(json.dumps({key: done[key] for key in ("studies", "slides", "left")}, indent=2))
    else:
        print(f"{_counted(done)} are scored again {_when(done)}.")
    if done["left"]:
        say("edge", f"not scored again{_left(done)}.")
    return 0


def _confirm(args: argparse.Namespace, found: Mapping[str, Any]) -> None:
    """Ask, unless told not to.

    Raises:
        SettingError: the answer is no, or nobody can be asked.
    """
    if args.yes:
        return
    print(f"{_counted(found)} would be scored again {_when(found)}.", file=sys.stderr)
    print("Until then they wait and show no risk. Entries and slide numbers stay.", file=sys.stderr)
    if not sys.stdin.isatty():
        raise SettingError("nothing is scored again: without a terminal, say --yes.")
    print("Score them again? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise SettingError("nothing is scored again.")


def _counted(found: Mapping[str, Any]) -> str:
    slides = "1 slide" if found["slides"] == 1 else f"{found['slides']} slides"
    return f"{slides} of {'1 study' if found['studies'] == 1 else str(found['studies']) + ' studies'}"


def _when(found: Mapping[str, Any]) -> str:
    """By which model; an agent that does not run has none, and one that does not score waits for one."""
    if "model" not in found:
        return "at the agent's next start"
    return f"with {found['model']}" if found["model"] else "once the agent has a model"


def _left(found: Mapping[str, Any]) -> str:
    return f": {found['left']} images in quarantine, or without their file" if found["left"] else ""
