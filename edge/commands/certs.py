"""`edge certs`: a certificate authority of one's own, and certificates for the agent and for scanners.

For trying TLS out, and for hospitals without a certificate authority. Needs the extra "tls".
"""

import argparse
import contextlib
import ipaddress
import os
import re
import shutil
import socket
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edge.network.expiry import days_in_words
from scanside.errors import SettingError

if TYPE_CHECKING:
    from edge.network.authority import Pair

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")  # machines do have names with _
_MAX_NAME = 253
_SCANNER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")  # a file's name, too
_AUTHORITY, _AGENT, _SCANNER = "ca", "agent", "scanner"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="DIR", help="folder to put them in")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="name or address of this machine; repeatable",
    )
    parser.add_argument(
        "--scanner",
        action="append",
        default=[],
        metavar="NAME",
        help="make a certificate for this scanner, by the authority that DIR has; repeatable (scanner)",
    )
    parser.add_argument("--renew", action="store_true", help="make all certificates in DIR last for --days")
    parser.add_argument("--days", type=int, default=825, metavar="N", help="how long they are valid (825)")


def main(args: argparse.Namespace) -> int:
    if not 1 <= args.days <= 3650:
        raise SettingError(f"option --days: {args.days} must lie between 1 and 3650.")
    for host in args.host:
        _check_host(host)
    for name in args.scanner:
        if not _SCANNER_NAME.fullmatch(name) or name in (_AUTHORITY, _AGENT) or name.endswith("-key"):
            raise SettingError(f"option --scanner: {name!a} must have letters, digits, - or _, as US-room-3.")
    if find_spec("cryptography") is None:
        raise SettingError("edge certs needs the extra tls: pip install 'scanside[tls]'")
    folder: Path = args.path
    if args.renew and args.scanner:
        raise SettingError("options --renew and --scanner: give one of them.")
    try:
        if args.renew:
            _renew(folder, args.days, args.host)
        elif args.scanner and (folder / f"{_AUTHORITY}.pem").exists():
            _add_scanners(folder, args.days, args.scanner)
        else:
            _begin(folder, args.days, args.host, args.scanner or [_SCANNER])
    except OSError as error:
        raise SettingError(f"{error.filename or folder} can't be used: {error.strerror}.") from error
    return 0


def _begin(folder: Path, days: int, hosts: Sequence[str], scanners: Sequence[str]) -> None:
    """An authority, the agent's certificate and those of `scanners`."""
    from edge.network.authority import issue, make_authority

    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), *hosts]
    authority = make_authority(days)
    pairs = {
        _AUTHORITY: authority,
        _AGENT: issue(authority, "scanside agent", names, days),
        **{name: issue(authority, name, [], days) for name in scanners},
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write_new(folder, pairs)
    print(f"For edge.toml:\n\ntls_certificate = '{folder.absolute() / 'agent.pem'}'")
    print(f"tls_key = '{folder.absolute() / 'agent-key.pem'}'\ntls_ca = '{folder.absolute() / 'ca.pem'}'\n")
    _tell_scanners(scanners)
    print("Keep ca-key.pem away from both: who has it can make certificates that the agent trusts.")


def _add_scanners(folder: Path, days: int, scanners: Sequence[str]) -> None:
    from edge.network.authority import issue

    authority = _read(folder, _AUTHORITY)
    _write_new(folder, {name: issue(authority, name, [], days) for name in scanners})
    left = (authority.certificate.not_valid_after_utc - datetime.now(timezone.utc)).days
    _tell_scanners(scanners)
    if left < days:
        print(f"The authority itself expires in {days_in_words(left)}: edge certs {folder} --renew")


def _renew(folder: Path, days: int, hosts: Sequence[str]) -> None:
    """Same keys, same names, another end: what is in use stays valid until it is replaced."""
    from edge.network.authority import make_authority, renew

    authority = _read(folder, _AUTHORITY)
    keys = (path.name.removesuffix("-key.pem") for path in sorted(folder.glob("*-key.pem")))
    old = {name: _read(folder, name) for name in keys if name != _AUTHORITY}
    again = make_authority(days, authority.key)
    pairs = {_AUTHORITY: again}
    for name, pair in old.items():
        try:
            pairs[name] = renew(again, pair, days, hosts if name == _AGENT else ())
        except ValueError as error:
            raise SettingError(f"{folder / name}.pem can't be renewed here: {error}.") from error
    for name, pair in pairs.items():  # all could be made
        _replace(folder / f"{name}.pem", pair.certificate_pem)
    print(f"Renewed for {days_in_words(days)}, with the same keys: {', '.join(pairs)}.")
    print("The agent takes its own with the next connection. Give each scanner its certificate and ca.pem")
    print("before the former ones expire; until then they are valid.")


def _tell_scanners(scanners: Sequence[str]) -> None:
    for name in scanners:
        print(f"For the scanner: {name}.pem, {name}-key.pem, and ca.pem to know the agent by.")


def _read(folder: Path, name: str) -> "Pair":
    from edge.network.authority import read_pair

    files = [folder / f"{name}{end}.pem" for end in ("", "-key")]
    try:
        return read_pair(*(path.read_bytes() for path in files))
    except ValueError as error:
        raise SettingError(f"{files[0]} with {files[1]} can't be used: {error}.") from error


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


def _write_new(folder: Path, pairs: Mapping[str, "Pair"]) -> None:
    """Raises a SettingError where a file exists."""
    for name in pairs:
        for path in (folder / f"{name}.pem", folder / f"{name}-key.pem"):
            if path.exists():
                raise SettingError(f"{path} exists and is left as it is. Choose another folder or name.")
    for name, pair in pairs.items():
        (folder / f"{name}.pem").write_bytes(pair.certificate_pem)
        descriptor = os.open(folder / f"{name}-key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pair.key_pem)


def _replace(path: Path, data: bytes) -> None:
    """The agent may read it at any moment: the former or the new file, never half of one."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    shutil.copymode(path, part)
    part.replace(path)
