"""The keys: what each does, and what a terminal sends when one is pressed."""

import os
import re
import select
import time
from dataclasses import dataclass
from typing import NamedTuple

_LONE_ESCAPE_S = 0.05  # an arrow's bytes come closer together, over SSH too
_CUT_OFF_S = 2.0  # without a byte, after which a paste that has no end is given up
_CHUNK_BYTES = 4096
_MAX_PASTE_BYTES = 4096
PASTE_ON, PASTE_OFF = b"\x1b[?2004h", b"\x1b[?2004l"  # the terminal says where pasted text begins and ends
_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])")
_NAMES = {
    **dict.fromkeys((b"[A", b"OA"), "up"),
    **dict.fromkeys((b"[B", b"OB"), "down"),
    **dict.fromkeys((b"[C", b"OC"), "right"),
    **dict.fromkeys((b"[D", b"OD"), "left"),
    **dict.fromkeys((b"[H", b"OH", b"[1~", b"[7~"), "home"),
}
_CONTROL = {"\t": "tab", "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace"}


class Key(NamedTuple):
    """Attributes: the presses that do it, how help and docs write them, and what it does."""

    presses: tuple[str, ...]
    shown: str
    does: str


KEYS = (
    Key(("left", "right"), "← →", "the slide before, the slide after"),
    Key(tuple("123456789"), "1 to 9", "the slide of that number"),
    Key(("up", "down", "tab"), "↑ ↓ Tab", "a newer study, an earlier one, the next of them"),
    Key(("home", "n"), "Home n", "back to the newest"),
    Key(("enter",), "Enter", "show the risk of an exam of another day"),
    Key(("r",), "r", "large figure: of the slide, or of the study"),
    Key(("m",), "m", "enter the menopausal status"),
    Key(("s",), "s", "say on which side the slide is"),
    Key(("l",), "l", "say which lesion the slide shows"),
    Key(("x",), "x", "leave the slide out of the study's figures, or take it back"),
    Key(("d",), "d", "dispute the slide's result, or withdraw that"),
    Key(("o",), "o", "outline on or off"),
    Key(("i", "g"), "i g", "what the network saw, saliency, or the scan"),
    Key(("h",), "h", "hold the screen, or go on"),
    Key(("p",), "p", "hide the identity, or show it"),
    Key(("?",), "?", "this help"),
    Key(("q",), "q", "quit"),
)


@dataclass(frozen=True)
class Paste:
    """Text that was pasted; no more of it than any answer takes."""

    text: str


class Keyboard:
    """The keys pressed, and what was pasted, since it was last asked.

    Args:
        descriptor: of a terminal that hands over each byte as it comes.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._heard = 0.0

    def presses(self) -> list[str | Paste]:
        """Each key as a name ("left", "enter") or its character; empty when none was pressed.

        Raises:
            EOFError: the terminal is gone.
        """
        found: list[str | Paste] = []
        timeout_s = 0.0
        if self._buffer and time.monotonic() - self._heard > _CUT_OFF_S:
            self._buffer = b""
        while select.select([self._descriptor], [], [], timeout_s)[0]:
            try:
                received = os.read(self._descriptor, _CHUNK_BYTES)
            except OSError as error:
                raise EOFError from error
            if not received:
                raise EOFError
            self._heard = time.monotonic()
            more, self._buffer = parse(self._buffer + received)
            found += more
            timeout_s = _LONE_ESCAPE_S if self._buffer else 0.0
        if self._buffer:
            more, self._buffer = parse(self._buffer, complete=True)
            found += more
        return found


def parse(received: bytes, complete: bool = False) -> tuple[list[str | Paste], bytes]:
    """The keys in `received`, and the bytes of one that is not complete yet.

    Sequences of keys that the view doesn't know are left out whole. Of a paste that has no end yet
    its beginning is kept, and what may be the beginning of the end.

    Args:
        complete: no byte of a key follows; a paste may pause.
    """
    found: list[str | Paste] = []
    while received:
        if received.startswith(_PASTE):
            pasted, end, rest = received[len(_PASTE) :].partition(_PASTE_END)
            if not end:
                return found, _PASTE + pasted[:_MAX_PASTE_BYTES] + pasted[_MAX_PASTE_BYTES:][-5:]
            found.append(Paste(pasted[:_MAX_PASTE_BYTES].decode(errors="ignore")))
            received = rest
            continue
        sequence = _SEQUENCE.match(received)
        if sequence:
            found += [name] if (name := _NAMES.get(sequence.group()[1:])) else []
            received = received[sequence.end() :]
        elif received[:1] == b"\x1b":
            if not complete and received[1:2] in (b"", b"[", b"O") and b"\x1b" not in received[1:]:
                return found, received
            found.append("escape")
            received = received[1:]
        else:
            length = _letter_bytes(received[0])
            if len(received) < length and not complete:
                return found, received
            letter = received[:length].decode(errors="ignore")
            found += [name] if (name := _CONTROL.get(letter, letter)) and name.isprintable() else []
            received = received[length:]
    return found, b""


def _letter_bytes(first: int) -> int:
    """How many bytes a letter has in UTF-8 that begins with `first`."""
    return 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC0 else 1
