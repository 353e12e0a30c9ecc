"""The terminal while a view has it: told of a new size, typed keys not echoed, left as it was found."""

import contextlib
import os
import signal
import socket
import sys
import termios
from collections.abc import Callable, Iterator
from types import FrameType

from edge.view.focus.keys import PASTE_OFF, PASTE_ON
from scanside.errors import SettingError


def need_signs(encoding: str) -> None:
    """The screen's signs can be written.

    Raises:
        SettingError: they can't: the sign beside a risk would be a question mark.
    """
    try:
        "▲▼◆█▀…".encode(encoding)
    except (UnicodeEncodeError, LookupError) as error:
        raise SettingError(
            f"this terminal's encoding is {encoding}, which lacks the view's signs. "
            "Set LANG=C.UTF-8, or use `edge watch --plain`."
        ) from error


@contextlib.contextmanager
def terminal() -> Iterator[int]:
    """Yield a file descriptor that turns readable when the screen has to be drawn anew.

    Typed keys are not echoed, come one by one, and neither stop the program (Ctrl-Z) nor its output (Ctrl-S).
    What is pasted comes with its beginning and its end marked.
    """
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            with _handled(signal.SIGWINCH, _ignore), _single_keys():
                yield reading.fileno()
        finally:
            signal.set_wakeup_fd(before)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and a closed terminal end what runs as Ctrl-C does: what was started is stopped."""
    with _handled(signal.SIGTERM, _stop), _handled(signal.SIGHUP, _hang_up):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Whatever asks to end waits until the block is done: what it starts is known to those who stop it."""
    arrived: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    with contextlib.ExitStack() as stack:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stack.enter_context(_handled(ending, remember))
        yield
    for number in arrived[:1]:
        signal.raise_signal(number)


@contextlib.contextmanager
def _handled(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if signal.getsignal(number) is signal.SIG_IGN:  # nohup
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def _single_keys() -> Iterator[None]:
    if not os.isatty(sys.stdin.fileno()):
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    single = [*before[:6], [*before[6]]]
    single[0] &= ~termios.IXON
    single[3] &= ~(termios.ECHO | termios.ICANON)
    single[6][termios.VMIN], single[6][termios.VTIME] = 1, 0
    single[6][termios.VSUSP] = b"\0"

    def again(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(termios.error):  # a closed window wakes its programs, too
            termios.tcsetattr(sys.stdin, termios.TCSANOW, single)  # a shell took it while this was stopped
        _write(PASTE_ON)

    termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, single)
    try:
        _write(PASTE_ON)
        with _handled(signal.SIGCONT, again):
            yield
    finally:
        _write(PASTE_OFF)
        with contextlib.suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)


def _write(sequence: bytes) -> None:
    """Past the buffer of what is drawn: nothing waits in it when the terminal is taken and given back."""
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(sys.stdout.fileno(), sequence)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The wake-up descriptor says it already."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hang_up(number: int, frame: FrameType | None) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):  # what is still written goes nowhere instead of failing
        os.dup2(nowhere, descriptor)
    _stop(number, frame)
