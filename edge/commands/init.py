"""`edge init`: write an edge.toml that explains each setting and knows the scanner; or a unit for systemd."""

import argparse
import ipaddress
import sys
from pathlib import Path
from typing import Any

from edge.network.access import Access
from edge.scanners import THIS_MACHINE, read_scanners
from edge.settings import Settings, load, template
from scanside.errors import SettingError

EVERYWHERE = "0.0.0.0"
_SILENT_AFTER_H = 24.0  # so that a scanner that was moved or cut off is noticed, and a night is not


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, nargs="?", help="file (edge.toml, scanside.service)")
    parser.add_argument("--systemd", action="store_true", help="write a unit for systemd instead")
    parser.add_argument(
        "--scanner-address", metavar="ADDRESS", help="IP address or network of the scanner, as 10.1.2.3"
    )
    parser.add_argument("--scanner-ae-title", metavar="T", help="AE title of the scanner (any)")
    parser.add_argument(
        "--scanner-name", metavar="NAME", help="what people call it (its title, else address)"
    )
    parser.add_argument("--host", help="address to listen on, when the scanner is another machine (0.0.0.0)")


def main(args: argparse.Namespace) -> int:
    path = args.path or Path("scanside.service" if args.systemd else "edge.toml")
    if path.exists():
        raise SettingError(f"{path} exists and is left as it is. Choose another path.")
    if args.systemd:
        from edge.processes.systemd_unit import out_of_sight, unit

        _write(path, unit())
        hidden = out_of_sight((Path(sys.executable), Path(sys.executable).resolve()))
        if hidden is not None:
            print(
                f"edge: the service will not see {hidden}: install scanside, and the Python it is made of, "
                "outside home folders and /tmp, as in /opt/scanside.",
                file=sys.stderr,
            )
        print(f"{path} written. Use it with: systemctl enable --now {path.absolute()}")
        return 0
    values = _values(args)
    Access(Settings(**values))
    _write(path, template(values))
    load(path, {})
    if "scanners" not in values:
        print("Only this machine may send. Let a scanner send with: edge init --scanner-address ADDRESS")
    print(f"{path} written. Use it with: edge serve --config {path}")
    return 0


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise SettingError(f"{path} can't be written: {error.strerror}.") from error


def _values(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that make the scanner known; it is asked for where somebody can answer."""
    address, title, name = args.scanner_address, args.scanner_ae_title, args.scanner_name
    if sys.stdin.isatty():
        if address is None:
            address = _asked("IP address of the scanner (empty: only this machine sends): ")
        if address and title is None:
            title = _asked("AE title of the scanner (empty: any): ")
        if address and name is None:
            name = _asked("Name of the scanner, as people call it (empty: its title or address): ")
    if not address and (title or name):
        raise SettingError("a scanner needs its address: give it with --scanner-address.")
    values: dict[str, Any] = {}
    if args.host:
        values["host"] = args.host
    if address:
        table = {"name": name or title or address, "addresses": [address], "ae_title": title or ""}
        read = read_scanners([{**table, "silent_after_h": _SILENT_AFTER_H}], "the scanner")
        values["scanners"] = (*read, THIS_MACHINE)
        if not args.host and not _is_loopback(address):
            values["host"] = EVERYWHERE
    return values


def _asked(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_network(address, strict=False).is_loopback
    except ValueError:
        return False  # what it is, Access says
