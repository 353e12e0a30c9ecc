"""`edge restore`: make a data folder from a backup of `edge backup`; the agent then scores it."""

import argparse
from pathlib import Path

from edge.commands import options
from scanside.command import say
from scanside.errors import ScansideError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="folder that `edge backup` made")


def main(args: argparse.Namespace) -> int:
    from edge.processes.lock import locked
    from edge.storage.backup import restore

    data = options.settings(args).data
    try:
        with locked(data):
            restored = restore(args.backup, data)
    except OSError as error:
        raise ScansideError(f"the restore is not complete: {error}. Remove {data}, and try again.") from error
    print(f"{restored.images} images are in {data}; `edge serve` makes the index and scores them.")
    for problem, files in (("missing from", restored.missing), ("altered in", restored.damaged)):
        for file in files:
            say("edge", f"{problem} the backup: {file}")
    return 1 if restored.missing or restored.damaged else 0
