"""A command in a pseudo-terminal, as a person would run it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


class Terminal:
    """A running command; `shown` is all that it wrote so far, without colours and cursor moves."""

    def __init__(self, master: int, process: "subprocess.Popen[bytes]") -> None:
        self._master, self.process = master, process
        self.raw = ""

    @property
    def shown(self) -> str:
        return _ESCAPE.sub("", self.raw)

    def wait_for(self, text: str, timeout_s: float = 120) -> None:
        """Read until `text` is written after what was waited for before."""
        end = time.monotonic() + timeout_s
        seen = ""
        while text not in _ESCAPE.sub("", seen):
            assert time.monotonic() < end, f"{text!r} was not shown, but:\n{self.shown[-3000:]}"
            seen += self.read(0.1)

    def read(self, timeout_s: float) -> str:
        ready, _, _ = select.select([self._master], [], [], timeout_s)
        with contextlib.suppress(OSError):  # the command has ended
            text = os.read(self._master, 1 << 16).decode(errors="replace") if ready else ""
            self.raw += text
            return text
        return ""

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def modes(self) -> list[Any]:
        """The terminal's, as termios.tcgetattr has them."""
        return termios.tcgetattr(self._master)

    def close(self) -> None:
        """Close the window."""
        os.close(self._master)

    def end(self, timeout_s: float = 120) -> int:
        """Read on until the command ends; its exit code."""
        end = time.monotonic() + timeout_s
        while self.process.poll() is None:
            assert time.monotonic() < end, f"still running:\n{self.shown[-3000:]}"
            self.read(0.1)
        while self.read(0.1):
            pass
        return int(self.process.returncode)


@contextlib.contextmanager
def in_terminal(
    *arguments: object, width: int = 80, height: int = 24, kind: str = "xterm-256color"
) -> Iterator[Terminal]:
    """Run `edge` with `arguments` in a terminal of that size; killed at the end if it still runs."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": kind, "COLORTERM": "truecolor"}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        preexec_fn=_own_terminal,
    )
    terminal = Terminal(master, process)
    terminal.resize(width, height)
    os.close(slave)
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):  # closed already
            os.close(master)


def running_with(text: Path) -> list[str]:
    """Command lines of this machine's processes that name `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if str(text) in line else []
    return found


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C and a new size reach the command
