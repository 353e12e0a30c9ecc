"""`edge health`: exit code 0 when images are received and scored in time, else 1, and one line why."""

import argparse
import json

from edge.commands import options
from edge.monitor.condition import READY
from scanside.command import say
from scanside.errors import ScansideError

_ANSWER_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--json", action="store_true", help="a JSON object: healthy, state, warnings")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.requests import running

    data = options.settings(args).data
    warnings: list[str] = []
    status = None
    try:
        status = running(data, _ANSWER_S)
        state = status["agent"]["state"] if status else f"no agent answers on {data}"
        warnings = status["warnings"] if status else []
    except ScansideError as error:
        state = str(error)
    late = bool(status and status["agent"]["results_late"])
    healthy = state == READY and not late
    if args.json:
        print(json.dumps({"healthy": healthy, "state": state, "warnings": warnings}))
    elif healthy:
        print("; ".join([state, *warnings]))
    else:
        say("edge", "; ".join([state, *warnings]) if late else state)
    return 0 if healthy else 1
