"""`edge serve`: run the agent."""

import argparse
import logging

from edge.commands import options
from edge.settings import Settings, holds_nothing
from scanside import RESEARCH_USE
from scanside.errors import BundleError, SettingError
from scanside.model.bundle import Bundle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_config(parser)
    options.add_data(parser)
    options.add_bundle(parser)
    parser.add_argument("--host", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, metavar="N", help="TCP port (11112)")
    parser.add_argument("--ae-title", metavar="T", help="the agent's AE title (SCANSIDE)")


def main(args: argparse.Namespace) -> int:
    settings = options.settings(args)
    bundle: Bundle | None = None
    unusable = ""
    try:
        bundle = options.bundle(args, settings)
    except BundleError as error:  # images are received all the same: the machine may not keep them
        unusable = str(error)
    from edge.processes.log import log_to_stderr
    from edge.processes.supervisor import serve

    log_to_stderr()
    log = logging.getLogger(__name__)
    log.info(RESEARCH_USE)
    held_some = args.config is not None and not holds_nothing(args.config)
    remark = ""
    if args.config is not None and not held_some:
        remark = f"{args.config} holds no setting, so everything has its default. Was it cut off?"
        log.warning("%s", remark)

    def read() -> Settings:
        nonlocal held_some
        holds_some = args.config is not None and not holds_nothing(args.config)
        if held_some and not holds_some:
            raise SettingError(f"{args.config} holds no setting any more. Was it cut off?")
        held_some = holds_some
        return options.settings(args)

    serve(settings, bundle, read, remark, unusable)
    return 0
