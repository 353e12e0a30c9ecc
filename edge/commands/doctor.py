"""`edge doctor`: what a start of the agent would meet, before it is started or started again."""

import argparse
import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from edge.commands import options
from edge.settings import Settings, holds_nothing
from scanside import RESEARCH_USE
from scanside.command import printable
from scanside.errors import BundleError, ScansideError, SettingError
from scanside.model.signature import parse_key

_EXPIRES_SOON_DAYS = 30.0


class Finding(NamedTuple):
    """Attributes: what was looked at; whether it is well; what was found, and what to do where it is not."""

    what: str
    well: bool
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    options.add_bundle(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object: well, findings")


def main(args: argparse.Namespace) -> int:
    findings = examine(args)
    well = all(finding.well for finding in findings)
    if args.json:
        print(json.dumps({"well": well, "findings": [finding._asdict() for finding in findings]}, indent=2))
    else:
        print(RESEARCH_USE)
        for what, is_well, text in findings:
            print(f"{'✓' if is_well else '✗'} {what:13}{printable(text)}")
    return 0 if well else 1


def examine(args: argparse.Namespace) -> list[Finding]:
    """Look at all that a start needs; without valid settings at nothing else."""
    try:
        settings = options.settings(args)
    except ScansideError as error:
        return [Finding("settings", False, str(error))]
    checks: dict[str, Callable[[], str]] = {
        "settings": lambda: _check_settings(args),
        "data folder": lambda: _check_folder(settings),
        "disk": lambda: _check_disk(settings),
        "bundle": lambda: _check_bundle(args, settings),
        "kept models": lambda: _check_kept(settings, args.allow_test_bundle),
        "scanners": lambda: _check_scanners(settings),
        "certificates": lambda: _check_certificates(settings),
        "port": lambda: _check_port(settings),
        "groups": lambda: _check_groups(settings),
    }
    return [_examine(what, check) for what, check in checks.items()]


def _examine(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except (ScansideError, OSError) as error:
        return Finding(what, False, str(error))


def _check_settings(args: argparse.Namespace) -> str:
    if args.config is None:
        return "none given: everything has its default"
    if holds_nothing(args.config):
        raise SettingError(f"{args.config} holds no setting. Was it cut off?")
    return f"{args.config} is valid"


def _check_folder(settings: Settings) -> str:
    """The data folder, or the one in which it would be made, takes a file."""
    from edge.processes.lock import refuse_to_write_as_root

    refuse_to_write_as_root(settings.data)
    folder = _find_existing(settings.data)
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"\0")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise SettingError(f"{folder} can't be written: {error.strerror}. Whose folder is it?") from error
    made = "" if folder == settings.data else ", the start makes it"
    return f"{settings.data} can be written{made}"


def _find_existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _check_disk(settings: Settings) -> str:
    folder = _find_existing(settings.data)
    disk = os.statvfs(folder)
    free_mb = disk.f_bavail * disk.f_frsize >> 20
    if free_mb < settings.min_free_mb:
        raise SettingError(
            f"{free_mb} MB free, and with less than min_free_mb = {settings.min_free_mb} nothing is received."
        )
    return f"{free_mb} MB free; below {settings.min_free_mb} MB nothing is received"


def _check_bundle(args: argparse.Namespace, settings: Settings) -> str:
    bundle = options.bundle(args, settings)
    manifest = bundle.manifest
    return f"{manifest.name} {manifest.version}, {bundle.digest[:12]}: every file is as its manifest says"


def _check_kept(settings: Settings, allow_test_only: bool) -> str:
    """The copies of models with which open studies may go on; one that is of no use stops nothing."""
    from edge.storage.bundles import KeptBundles

    keys = [parse_key(text) for text in settings.trusted_keys]
    kept = KeptBundles(settings.data, keys, allow_test_only=allow_test_only)
    names = []
    for digest in sorted(kept.digests()):
        try:
            manifest = kept.load(digest).manifest
        except BundleError as error:
            raise SettingError(
                f"{error} Open studies that began under it would go on under the bundle."
            ) from error
        names.append(f"{manifest.name} {manifest.version}, {digest[:12]}")
    return "; ".join(names) or "none yet"


def _check_scanners(settings: Settings) -> str:
    from edge.network.access import Access

    Access(settings)
    names = ", ".join(scanner.name for scanner in settings.scanners)
    return f"{len(settings.scanners)} may send: {names}"


def _check_certificates(settings: Settings) -> str:
    from edge.network.expiry import days_in_words
    from edge.network.tls import Tls

    tls = Tls.from_settings(settings)
    if tls is None:
        return "none set: plain DICOM"
    days = tls.days_left()
    if days < _EXPIRES_SOON_DAYS:
        when = f"expire in {days_in_words(days)}" if days >= 0 else "have expired"
        raise SettingError(f"they {when}. Renew them, see: edge certs --help")
    return f"valid for {days_in_words(days)}"


def _check_port(settings: Settings) -> str:
    """The port is free, or the agent on this data folder has it."""
    from edge.sockets.requests import running

    status = running(settings.data, 10.0) if settings.data.is_dir() else None
    if status is not None:
        return f"an agent runs on {settings.data}, at port {status['agent']['port']}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host, settings.port))
        except OSError as error:
            raise SettingError(
                f"can't listen on {settings.host} port {settings.port}: {error.strerror}. "
                "Which program has it? Below 1024 the service needs CAP_NET_BIND_SERVICE."
            ) from error
    return f"{settings.host} port {settings.port} is free"


def _check_groups(settings: Settings) -> str:
    import grp

    named = [group for group in (settings.watch_group, settings.entry_group) if group]
    for group in named:
        try:
            grp.getgrnam(group)
        except KeyError:
            raise SettingError(
                f"there is no group '{group}' on this machine. Make it, or correct the setting."
            ) from None
    return ", ".join(named) or "none set: the agent's user alone"
