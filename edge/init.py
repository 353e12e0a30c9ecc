"""`edge init`: write an edge.toml that explains every setting, or the unit for systemd."""

import argparse
from pathlib import Path

from edge.settings import template
from scanside.errors import SettingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", help="file (edge.toml, scanside.service)")
    parser.add_argument("--systemd", action="store_true", help="write a systemd unit instead")


def main(args: argparse.Namespace) -> int:
    path = args.path or Path("scanside.service" if args.systemd else "edge.toml")
    if args.systemd:
        from edge.systemd_unit import unit

        text, use = unit(), f"Use it with: systemctl enable --now {path.absolute()}"
    else:
        text, use = template(), f"Use it with: edge serve --config {path}"
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise SettingError(f"{path} exists and is left as it is. Choose another path.") from None
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error
    print(f"{path} written. {use}")
    return 0
