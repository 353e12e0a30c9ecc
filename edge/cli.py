"""The command `edge`. Only the module of the command that is asked for is imported: --help is instant."""

import argparse
import importlib
import sys

from scanside import RESEARCH_USE, __version__
from scanside.command import Parser, run

# Each is a module of edge.commands with `add_arguments(parser)` and `main(args) -> int`.
COMMANDS = {
    "serve": "receive DICOM from the ultrasound machine and score it",
    "watch": "show the live view of a running agent",
    "results": "list the results of an agent",
    "enter": "enter what is known about a study: a fact, a side, a lesion, what to leave out, a dispute",
    "send": "send DICOM files to an agent",
    "assess": "score DICOM files without an agent",
    "tune": "measure how the network runs fastest on this machine",
    "doctor": "say what a start of the agent would meet: settings, disk, bundle, port",
    "init": "write a settings file that explains each setting",
    "certs": "make certificates for TLS between the agent and a scanner",
    "rebuild": "make the index of results anew from what was received",
    "status": "show how a running agent is",
    "health": "say whether the agent receives and scores, by the exit code",
    "quarantine": "list, retry or drop images that took the worker down",
    "purge": "remove all that is kept of a patient or a study",
    "rescore": "score studies again with the present model",
    "backup": "copy all that is kept, also while the agent runs",
    "restore": "make a data folder from a backup",
    "clock": "say whether the agent believes the clock, and accept it",
    "audit": "check the audit trail",
    "demo": "run an agent, send it real ultrasound and show the live view",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    words = sys.argv[1:] if argv is None else argv
    return run("edge", lambda: _run(words), debug="--debug" in words)


def _run(words: list[str]) -> int:
    command = next((word for word in words if word in COMMANDS), None)
    args = build_parser(command).parse_args(words)
    code = int(importlib.import_module(f"edge.commands.{args.command}").main(args))
    sys.stdout.flush()  # here, where it is no error that the reader has left
    return code


def build_parser(*commands: str | None) -> argparse.ArgumentParser:
    """The parser, with the arguments of `commands`; of all when none is named."""
    parser = Parser(prog="edge", description=f"Risk of ovarian lesions beside the scanner. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        described = f"{text[0].upper()}{text[1:]}. {RESEARCH_USE}"
        command = parsers.add_parser(name, help=text, description=described)
        if not commands or name in commands:
            importlib.import_module(f"edge.commands.{name}").add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
