"""`edge init`: write an edge.toml that explains every setting."""

import argparse
from pathlib import Path

from edge.settings import template
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", default=Path("edge.toml"), help="file (edge.toml)")


def main(args: argparse.Namespace) -> int:
    try:
        with args.path.open("x", encoding="utf-8") as stream:
            stream.write(template())
    except FileExistsError:
        raise SettingError(f"{args.path} exists and is left as it is. Choose another path.") from None
    except OSError as error:
        raise SettingError(f"{args.path} can't be written: {error.strerror}.") from error
    print(f"{args.path} written. Use it with: edge serve --config {args.path}")
    return 0
