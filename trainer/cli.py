"""The command `trainer`. Each subcommand imports what it needs when it runs: --help answers at once."""

import argparse
import sys

from scanside import RESEARCH_USE, __version__, command
from trainer.commands import deidentify, denoise, prepare, report, run, synth


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    return command.run("trainer", lambda: _run(argv))


def _run(words: list[str] | None) -> int:
    arguments = build_parser().parse_args(words)
    return int(arguments.command(arguments))


def build_parser() -> argparse.ArgumentParser:
    parser = command.Parser(prog="trainer", description=f"Train the networks of scanside. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subcommand in (run, report, prepare, denoise, deidentify, synth):
        subcommand.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
