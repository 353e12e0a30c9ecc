"""`edge certs`: a certificate authority of one's own, and a certificate for the agent and for a scanner.

For trying TLS out, and for hospitals without a certificate authority. Needs the extra "tls".
"""

import argparse
import contextlib
import ipaddress
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from scanside.errors import SettingError

if TYPE_CHECKING:
    from edge.network.authority import Pair

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")  # machines do have names with _
_MAX_NAME = 253
_FILES = ("ca", "agent", "scanner")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="DIR", help="folder to put them in")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="name or address of this machine; repeatable",
    )
    parser.add_argument("--days", type=int, default=825, metavar="N", help="how long they are valid (825)")


def main(args: argparse.Namespace) -> int:
    if not 1 <= args.days <= 3650:
        raise SettingError(f"option --days: {args.days} must lie between 1 and 3650.")
    for host in args.host:
        _check_host(host)
    try:
        from edge.network.authority import issue, make_authority
    except ImportError as error:
        raise SettingError("edge certs needs the extra tls: pip install 'scanside[tls]'") from error
    folder: Path = args.path
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), *args.host]
    authority = make_authority(args.days)
    pairs = {
        "ca": authority,
        "agent": issue(authority, "scanside agent", names, args.days),
        "scanner": issue(authority, "scanner", [], args.days),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in _paths(folder):
            if path.exists():
                raise SettingError(f"{path} exists and is left as it is. Choose another folder.")
        for name, pair in pairs.items():
            _write(folder, name, pair)
    except OSError as error:
        raise SettingError(f"{folder} can't be written: {error.strerror}.") from error
    print(f"For edge.toml:\n\ntls_certificate = '{folder.absolute() / 'agent.pem'}'")
    print(f"tls_key = '{folder.absolute() / 'agent-key.pem'}'\ntls_ca = '{folder.absolute() / 'ca.pem'}'\n")
    print("For the scanner: scanner.pem, scanner-key.pem, and ca.pem to know the agent by.")
    print("Keep ca-key.pem away from both: who has it can make certificates that the agent trusts.")
    return 0


def _check_host(host: str) -> None:
    """Raises a SettingError for what is neither an address nor a name of a machine (RFC 1123)."""
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return
    *labels, last = host.split(".")
    if len(host) > _MAX_NAME or last.isdigit() or not all(map(_LABEL.fullmatch, (*labels, last))):
        raise SettingError(
            f"option --host: {host!a} is neither an address nor a name that a machine can have. "
            "Write one, as us-room-2.hospital.example; a name with other letters as DNS has it (xn--...)."
        )


def _paths(folder: Path) -> list[Path]:
    return [folder / f"{name}{end}.pem" for name in _FILES for end in ("", "-key")]


def _write(folder: Path, name: str, pair: "Pair") -> None:
    (folder / f"{name}.pem").write_bytes(pair.certificate_pem)
    descriptor = os.open(folder / f"{name}-key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pair.key_pem)
