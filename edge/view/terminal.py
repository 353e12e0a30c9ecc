"""The terminal while a view has it: told of a new size, typed keys not echoed, left as it was found."""

import os
import signal
import socket
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminal() -> Iterator[int]:
    """Yield a file descriptor that turns readable when the window's size changes."""
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            with _handled(signal.SIGWINCH, _ignore), _no_echo():
                yield reading.fileno()
        finally:
            signal.set_wakeup_fd(before)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends what runs as Ctrl-C does: what was started is stopped, the screen given back."""
    with _handled(signal.SIGTERM, _stop):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the block is done: what it starts is known to those who stop it."""
    arrived: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    with _handled(signal.SIGINT, remember), _handled(signal.SIGTERM, remember):
        yield
    for number in arrived[:1]:
        signal.raise_signal(number)


@contextmanager
def _handled(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


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
