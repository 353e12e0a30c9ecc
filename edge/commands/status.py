"""`edge status`: how the agent is, for people; with --json for programs."""

import argparse
import json
from typing import Any

from edge.commands import options
from edge.commands.results import local_time
from edge.monitor.disk import in_words
from scanside.errors import SettingError

_ANSWER_S = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object, its keys in docs/operations.md")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.requests import running

    data = options.settings(args).data
    status = running(data, _ANSWER_S)
    if status is None:
        raise SettingError(f"no agent answers on {data}. Start one with: edge serve --data {data}")
    print(json.dumps(status, indent=2) if args.json else _told(status))
    return 0


def _time(said: str | None) -> str:
    return local_time(said) if said else "never"


def _room(agent: dict[str, Any]) -> str:
    images = agent["disk_images"]
    return "" if images is None else f", room for {images} images of the mean size"


def _scanner(scanner: dict[str, Any]) -> str:
    title = f" as '{scanner['last_title']}'" * bool(scanner["last_title"])
    place = f" from {scanner['last_address']}" * bool(scanner["last_address"])
    counts = f"{_count(scanner['associations'], 'association')}, {_count(scanner['images'], 'image')}"
    seen = f"seen {_time(scanner['last_seen_at'])}{title}{place}"
    return f"scanner    {scanner['name']}: {seen}; {counts} since the start"


def _model(model: dict[str, str], number: int) -> str:
    whose = "of open studies that began under it" if number else "of new studies"
    return f"model      {model['name']} {model['version']} ({model['digest'][:12]}): {whose}"


def _count(number: int, of: str) -> str:
    return f"{number} {of}{'s' * (number != 1)}"


def _refused(peer: dict[str, Any]) -> str:
    when = f"{_count(peer['count'], 'time')}, last {_time(peer['last_at'])}"
    return f"refused    {peer['who']}: {peer['why']}; {when}"


def _told(status: dict[str, Any]) -> str:
    agent = status["agent"]
    rows = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(status["rows"].items()))
    lines = [
        f"{agent['state']}: {agent['ae_title']} at {agent['host']}:{agent['port']}",
        *map(_model, agent["models"], range(len(agent["models"]))),
        f"results    {rows or 'none'}; {agent['queue']} jobs wait",
        f"disk       {in_words(agent['disk_free_mb'])}{_room(agent)}",
        f"contact    last image {_time(agent['last_received_at'])}, "
        f"a sender heard of {_time(agent['last_contact_at'])}",
        f"quarantine {status['quarantined']}",
        *map(_scanner, agent["scanners"]),
        *map(_refused, agent["refused"]),
    ]
    for name, process in status["processes"].items():
        if isinstance(process, dict):
            told = f"{name:10} process {process['pid']}, started again {max(0, process['restarts'])} times"
            lines.append(f"{told}, {process['state']}" if process.get("state", "up") != "up" else told)
    return "\n".join([*lines, *(f"! {warning}" for warning in status["warnings"])])
