"""`edge audit verify`: whether the audit trail is whole and unchanged."""

import argparse
import json

from edge.commands import options
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("what", choices=("verify",), help="follow the chain from the first line to the last")
    parser.add_argument("--json", action="store_true", help="for programs")


def main(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from edge.trail.log import FOLDER, verify

    data = options.settings(args).data
    try:
        found = verify(data)
    except OSError as error:
        raise SettingError(f"{data / FOLDER} can't be read: {error.strerror}.") from error
    if not found.messages and not found.faults:
        raise SettingError(f"no audit trail in {data / FOLDER}. Check --data.")
    if args.json:
        print(json.dumps(asdict(found), indent=2))
    else:
        print(
            "\n".join([*found.faults, f"{found.messages} messages, the last line's SHA-256 is {found.last}"])
        )
    return 1 if found.faults else 0
