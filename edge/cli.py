"""The command `edge`. Only the module of the command that is asked for is imported: --help is instant."""

import argparse
import importlib
import logging
import os
import sys
import tempfile
import traceback
from typing import NoReturn

from scanside import RESEARCH_USE, __version__
from scanside.errors import ScansideError, SettingError

# Each is a module of this package with `add_arguments(parser)` and `main(args) -> int`.
COMMANDS = {
    "serve": "receive DICOM from the ultrasound machine and score it",
    "watch": "show the live view of a running agent",
    "results": "list the results of an agent",
    "send": "send DICOM files to an agent",
    "assess": "score DICOM files without an agent",
    "init": "write a settings file that explains each setting",
    "demo": "run an agent, send it real ultrasound and show the live view",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 an input or a setting is wrong, 2 the program failed.
    """
    argv = sys.argv[1:] if argv is None else argv
    debug = "--debug" in argv
    try:
        command = next((word for word in argv if word in COMMANDS), None)
        args = build_parser(command).parse_args(argv)
        return int(importlib.import_module(f"edge.{args.command}").main(args))
    except ScansideError as error:
        if debug:
            traceback.print_exc()
        print(f"edge: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("edge: stopped.", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _fault(error, debug)


def build_parser(*commands: str | None) -> argparse.ArgumentParser:
    """The parser, with the arguments of `commands`; of all when none is named."""
    parser = _Parser(prog="edge", description=f"Risk of ovarian lesions beside the scanner. {RESEARCH_USE}")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        described = f"{text[0].upper()}{text[1:]}. {RESEARCH_USE}"
        command = parsers.add_parser(name, help=text, description=described)
        if not commands or name in commands:
            importlib.import_module(f"edge.{name}").add_arguments(command)
    return parser


class _Parser(argparse.ArgumentParser):
    """A wrong option is a wrong input: exit code 1, not argparse's 2."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(f"{message}. See: {self.prog} --help")


def _fault(error: Exception, debug: bool) -> int:
    """A bug: one line for people, the rest in a file for those who mend it."""
    if debug:
        traceback.print_exc()
        return 2
    logging.disable()
    with tempfile.NamedTemporaryFile("w", prefix="edge-", suffix=".log", delete=False) as log:
        traceback.print_exc(file=log)
    print(
        f"edge: the program failed ({type(error).__name__}: {error}). What happened is in {log.name}.",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
