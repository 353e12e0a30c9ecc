"""What the commands of scanside have in common: one line for an error, an exit code, no traceback."""

import argparse
import errno
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import NoReturn

from scanside.errors import ScansideError, SettingError

# What no program can mend: rights and room on a disk.
_ADVICE = {
    errno.EACCES: "Be a user who may, or choose another path.",
    errno.EPERM: "Be a user who may, or choose another path.",
    errno.EROFS: "Choose another path.",
    errno.ENOSPC: "Make room, or choose another disk.",
    errno.EDQUOT: "Make room, or choose another disk.",
}


class Parser(argparse.ArgumentParser):
    """A wrong option is a wrong input: exit code 1, not argparse's 2."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(f"{message}. See: {self.prog} --help")


def run(program: str, command: Callable[[], int], *, debug: bool = False) -> int:
    """Run `command` and turn what it raises into a message of `program`.

    Args:
        debug: print where an error came from.

    Returns:
        What `command` returns; 1 an input or a setting is wrong, 2 the program failed.
    """
    try:
        return command()
    except ScansideError as error:
        if debug:
            traceback.print_exc()
        say(program, error)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: stopped.", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _ADVICE:
            if debug:
                traceback.print_exc()
            where = "" if error.filename is None else f"{error.filename}: "
            say(program, f"{where}{error.strerror}. {_ADVICE[error.errno]}")
            return 1
        return _fault(program, error, debug)


def say(program: str, message: object) -> None:
    """A line on stderr; names and values from outside can't steer the terminal that it is read in."""
    print(f"{program}: {printable(str(message))}", file=sys.stderr)


def _fault(program: str, error: Exception, debug: bool) -> int:
    """A bug: one line for people, the rest in a file for those who mend it."""
    if debug:
        traceback.print_exc()
        return 2
    logging.disable()
    with tempfile.NamedTemporaryFile("w", prefix=f"{program}-", suffix=".log", delete=False) as log:
        traceback.print_exc(file=log)
    say(program, f"the program failed ({type(error).__name__}: {error}). What happened is in {log.name}.")
    return 2


def printable(text: str) -> str:
    """Replace what a terminal would obey: control characters, and those that turn the direction of text."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
