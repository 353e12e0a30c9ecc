"""`edge backup`: copy all that is truth in a data folder, while the agent runs or not."""

import argparse
from pathlib import Path

from edge.commands import options
from scanside.errors import ScansideError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make; it holds patients' data")


def main(args: argparse.Namespace) -> int:
    from edge.storage.backup import back_up

    data = options.settings(args).data
    try:
        count = back_up(data, args.out)
    except OSError as error:
        raise ScansideError(
            f"the backup is not complete: {error}. Remove {args.out}, and try again."
        ) from error
    print(f"{count} images, the journal and the audit trail are in {args.out}.")
    return 0
