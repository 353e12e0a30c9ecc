"""The terminal while a view has it: told of a new size, typed keys not echoed, left as it was found."""

import os
import signal
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminal() -> Iterator[int]:
    """Yield a file descriptor that turns readable when the window's size changes.

    SIGTERM ends the view as Ctrl-C does, so that the screen is given back.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        handlers = {s: signal.signal(s, h) for s, h in ((signal.SIGWINCH, _ignore), (signal.SIGTERM, _stop))}
        try:
            with _no_echo():
                yield reading.fileno()
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)


@contextmanager
def _no_echo() -> Iterator[None]:
    if not os.isatty(sys.stdin.fileno()):
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    quiet = [*before]
    quiet[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor says it already."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
