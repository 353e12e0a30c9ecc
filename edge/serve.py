"""`edge serve`: run the agent."""

import argparse
import logging
import signal
import threading
import warnings

from edge import options
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
    _log_to_stderr()
    logging.getLogger(__name__).info(RESEARCH_USE)
    stop = threading.Event()
    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, lambda *_: stop.set())
    from edge.agent import serve

    serve(settings, bundle, stop)
    return 0


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # tracebacks of what a stranger sent
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its warnings cite values: identities
    warnings.simplefilter("ignore")


class _OneLine(logging.Formatter):
    """One line per event, whatever a sender wrote into a UID or an AE title."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return "".join(c if c.isprintable() else "?" for c in super().formatMessage(record))
