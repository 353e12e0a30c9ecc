"""`edge clock`: whether the agent believes the clock; a person says that it is right."""

import argparse

from edge.commands import options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    parser.add_argument("--accept", action="store_true", help="the time is right: remove by age again")


def main(args: argparse.Namespace) -> int:
    from edge.sockets.requests import request

    problem = str(request(options.settings(args), {"do": "clock", "accept": args.accept})["problem"])
    print(problem or "The clock is believed.")
    return 1 if problem else 0
