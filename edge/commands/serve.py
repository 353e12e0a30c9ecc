"""`edge serve`: run the agent."""

import argparse
import logging

from edge.commands import options
from scanside import RESEARCH_USE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    options.add_bundle(parser)
    parser.add_argument("--host", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, metavar="N", help="TCP port (11112)")
    parser.add_argument("--ae-title", metavar="T", help="the agent's AE title (SCANSIDE)")


def main(args: argparse.Namespace) -> int:
    settings = options.settings(args)
    bundle = options.bundle(args, settings)
    from edge.processes.log import log_to_stderr
    from edge.processes.supervisor import serve

    log_to_stderr()
    logging.getLogger(__name__).info(RESEARCH_USE)
    serve(settings, bundle, lambda: options.settings(args))
    return 0
